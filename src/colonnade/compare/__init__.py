"""How far apart are the base compositions of two samples, and how sure is that: the main job."""
