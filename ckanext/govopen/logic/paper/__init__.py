"""Papers as PDF: agreements and letters, the same bytes for the same facts."""
