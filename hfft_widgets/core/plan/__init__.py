"""What will run, where, what does it cost, will it fit?"""
