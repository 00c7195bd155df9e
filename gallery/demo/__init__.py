"""The demo library: a small library of drawn pictures and films for trying things out."""

from gallery.demo.library import write_demo_library

__all__ = ["write_demo_library"]
