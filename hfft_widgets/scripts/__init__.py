"""What runs inside a job. A generated script is a short lesson plus these modules, inlined verbatim."""
