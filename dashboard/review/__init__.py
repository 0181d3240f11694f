"""The parts of the Session page: what is reviewed, the moment, the timeline, and the lists that lead to moments."""
