"""Pictures in SVG, for reports and rehearsals. Knows nothing of what they show."""
