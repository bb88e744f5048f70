"""Strategies and state machines for Hypothesis, so that a project can property-test projections of its own.

It needs the extra ``testing``: ``pip install .[testing]`` in the checkout.
"""

from albumcore.testing import album_machine as _album_machine
from albumcore.testing import arguments as _arguments
from albumcore.testing import commands as _commands
from albumcore.testing import events as _events
from albumcore.testing import histories as _histories
from albumcore.testing import image_set_machine as _image_set_machine
from albumcore.testing import machines as _machines
from albumcore.testing import study_comments_machine as _study_comments_machine
from albumcore.testing import values as _values
from albumcore.testing.album_machine import *
from albumcore.testing.arguments import *
from albumcore.testing.commands import *
from albumcore.testing.events import *
from albumcore.testing.histories import *
from albumcore.testing.image_set_machine import *
from albumcore.testing.machines import *
from albumcore.testing.study_comments_machine import *
from albumcore.testing.values import *

__all__ = [
    *_album_machine.__all__,
    *_arguments.__all__,
    *_commands.__all__,
    *_events.__all__,
    *_histories.__all__,
    *_image_set_machine.__all__,
    *_machines.__all__,
    *_study_comments_machine.__all__,
    *_values.__all__,
]
