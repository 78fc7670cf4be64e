"""Binds every call of HfApi in a page's Python to the official signature; prints the methods as JSON."""

import ast
import inspect
import json
import re
import sys

import huggingface_hub
from huggingface_hub import HfApi

with open(sys.argv[1], encoding="utf-8") as page:
    blocks = re.findall(r"^```python\n(.*?)^```", page.read(), re.MULTILINE | re.DOTALL)
methods = set()
for block in blocks:
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.ImportFrom) and node.module == "huggingface_hub":
            for name in node.names:
                getattr(huggingface_hub, name.name)
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner = node.func.value
        if not (isinstance(owner, ast.Name) and owner.id == "api" or isinstance(owner, ast.Call) and getattr(owner.func, "id", "") == "HfApi"):
            continue
        signature = inspect.signature(getattr(HfApi, node.func.attr))
        signature.bind(None, *node.args, **{keyword.arg: None for keyword in node.keywords})
        methods.add(node.func.attr)
print(json.dumps(sorted(methods)))
