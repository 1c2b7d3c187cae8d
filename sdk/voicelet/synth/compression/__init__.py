"""Speech that is faster than its model can speak: its time is compressed after it is made."""
