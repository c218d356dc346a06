"""What a plan proposes by looking at the data: how long to train, how long answers may be, what would cost less."""
