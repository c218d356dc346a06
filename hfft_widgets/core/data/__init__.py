"""Can this be trained on, with which method, and which rows hurt?"""
