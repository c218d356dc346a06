"""How do I use the trained model on my machine?"""
