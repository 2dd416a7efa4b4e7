"""Reading videos: which frames a plan asks for, and exactly those frames, whatever the file is like."""
