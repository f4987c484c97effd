"""Run ministack with AWS's own rules around it, with its virtualenv's Python: `python -m local.strict`."""

from local.strict.ministack_hooks import serve

if __name__ == "__main__":
    serve()
