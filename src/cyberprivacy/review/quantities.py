"""Kubernetes quantities, the few spellings that people use.

Source: kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity.
"""

import re
from typing import Final

from cyberprivacy.review.yaml_node import Node

_UNITS: Final = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}


def cpu_millis(node: Node, least: int, most: int, *, code: str) -> int:
    """Thousandths of a core from 2, "2", "0.5" or "500m"; 0 after a breach."""
    text = str(node.value) if isinstance(node.value, int | str) and not isinstance(node.value, bool) else ""
    if match := re.fullmatch(r"([1-9][0-9]{0,5})m", text):
        millis = int(match[1])
    elif match := re.fullmatch(r"([0-9]{1,3})(?:\.([0-9]{1,3}))?", text):
        millis = int(match[1]) * 1000 + int((match[2] or "").ljust(3, "0"))
    else:
        node.refuse(code, f"{node.value!r} is not a number of cores such as 500m or '0.5'")
        return 0
    if not least <= millis <= most:
        node.refuse(code, f"{text} is not within {least}m-{most}m")
        return 0
    return millis


def size(node: Node, least: int, most: int, *, code: str) -> int:
    """Bytes from "64Mi" and the like; 0 after a breach."""
    match = re.fullmatch(r"([1-9][0-9]{0,8})(Ki|Mi|Gi)", node.value if isinstance(node.value, str) else "")
    if match is None:
        node.refuse(code, f"{node.value!r} is not a size such as 64Mi")
        return 0
    amount = int(match[1]) * _UNITS[match[2]]
    if not least <= amount <= most:
        node.refuse(code, f"{node.value} is not within {least}-{most} bytes")
        return 0
    return amount
