"""Where CmdStan comes from: one that the user has installed, else a home built from the registry of Python packages."""

from stanhier.cmdstan.installer import ensure_cmdstan, install, install_from_github

__all__ = ["ensure_cmdstan", "install", "install_from_github"]
