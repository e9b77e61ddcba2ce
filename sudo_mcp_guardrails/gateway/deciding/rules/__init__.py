"""The team's own rules, in Cedar; what takes ``cedarpy`` is imported by whoever has rules."""
