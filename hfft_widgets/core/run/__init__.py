"""How is it going, what went wrong, what now?"""
