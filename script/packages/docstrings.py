"""Bytecode without docstrings that nothing reads, for the frozen program: they are 2 of its 60 MB at rest."""

import ast
from pathlib import Path
from types import CodeType

__all__ = ["compiled"]


def compiled(path: Path) -> CodeType:
    """The bytecode of a module, without the docstrings of the module and of functions without decorators.

    The server reads the docstrings of classes (requests, settings) and of functions with decorators (commands, calls)
    for its help, and libraries make texts of errors from docstrings of classes. Unlike with `python -OO`, assertions
    stay. Lines keep their numbers.
    """
    tree = ast.parse(path.read_bytes(), path)
    for node in ast.walk(tree):
        match node:
            case ast.Module(body=[ast.Expr(ast.Constant(str())) as docstring, *_]):
                node.body.remove(docstring)
            case (
                ast.FunctionDef(body=[ast.Expr(ast.Constant(str())), *rest], decorator_list=[])
                | ast.AsyncFunctionDef(body=[ast.Expr(ast.Constant(str())), *rest], decorator_list=[])
            ):
                node.body[0:1] = [] if rest else [ast.copy_location(ast.Pass(), node.body[0])]
    return compile(tree, path, "exec", dont_inherit=True)
