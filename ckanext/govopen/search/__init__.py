"""How the index is analysed, filled and asked. What may go into it, ``access`` says."""
