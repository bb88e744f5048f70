window.config = {
    "routerBasename": null,
    "extensions": [],
    "modes": [],
    "showStudyList": true,
    "maxNumRequests": {"interaction": 20, "thumbnail": 5, "prefetch": 10},
    "defaultDataSourceName": "albumcore",
    "dataSources": [
        {
            "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
            "sourceName": "albumcore",
            "configuration": {
                "friendlyName": "albumcore",
                "qidoRoot": "https://albums.example",
                "wadoRoot": "https://albums.example",
                "wadoUriRoot": "https://albums.example/wado",
                "qidoSupportsIncludeField": true,
                "supportsReject": false,
                "supportsFuzzyMatching": true,
                "supportsWildcard": true,
                "imageRendering": "wadors",
                "thumbnailRendering": "wadors",
                "enableStudyLazyLoad": true,
                "omitQuotationForMultipartRequest": false,
                "bulkDataURI": {"enabled": true, "relativeResolution": "studies"}
            }
        },
        {
            "namespace": "@ohif/extension-default.dataSourcesModule.dicomwebproxy",
            "sourceName": "dicomwebproxy",
            "configuration": {"friendlyName": "albumcore, by link", "name": "dicomwebproxy"}
        }
    ]
};
