"""What runs inside a job. A generated script is a short recipe plus these modules, inlined verbatim."""
