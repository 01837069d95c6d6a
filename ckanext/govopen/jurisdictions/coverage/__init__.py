"""What the portal does for each paragraph of each regulation, and which test shows it."""
