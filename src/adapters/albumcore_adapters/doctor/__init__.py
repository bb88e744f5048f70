"""The doctor: what is wrong around a service, each finding in a sentence that says what to do. It changes nothing."""
