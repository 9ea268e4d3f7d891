"""Pictures: what a prescription asks (asked), and what a board delivered (delivered)."""
