"""The HTTP API: requests, handlers, response models, routes, pages."""
