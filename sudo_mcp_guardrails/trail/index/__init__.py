"""The index in OpenSearch as data: its template, its documents, its lifecycle and its dashboards."""
