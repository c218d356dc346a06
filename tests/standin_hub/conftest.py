from tests.standin_hub.fixtures import hub

__all__ = ["hub"]

# these are for processes of their own: looking for doctests here would import torch and freeze the clients' endpoint
collect_ignore_glob = ["*_checks.py", "uv_shim.py"]
