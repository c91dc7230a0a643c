#!/usr/bin/python3
"""Folders and files of a host in one step.

ansible.builtin.template and copy take two round trips for every file that is right already and six for one that is not,
each of them a fresh Python on the host: most of a run would be that. This brings any number of files in one.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
---
module: cartwright_files
short_description: Makes folders and writes files, all in one step
description:
  - Brings folders and files to their content, owner, group and mode, and touches nothing that is right already.
  - Each file is replaced in one move. When a check of one refuses it, that one and those after it stay as they were.
options:
  folders:
    description: Folders to make, the outer ones first. Each has a path, and may have a group and a mode (0755).
    type: list
    elements: dict
    default: []
  files:
    description:
      - Files to write. Each has a path and its content, and may have a group and a mode (0644).
      - With C(validate) a command must accept the new content first; it finds it in the file that C(%s) stands for.
    type: list
    elements: dict
    default: []
  owner:
    description: Who owns them all.
    type: str
    default: root
author: Cartwright
"""

EXAMPLES = r"""
- name: Write the firewall's rules
  cartwright_files:
    folders:
      - path: /etc/nftables.d
    files:
      - path: /etc/nftables.conf
        content: "{{ lookup('ansible.builtin.template', 'nftables.conf.j2') }}"
        mode: "0640"
        validate: /usr/sbin/nft --check --file %s
  notify: Reload the firewall
"""

RETURN = r"""
paths:
  description: What was changed, or would be in check mode.
  type: list
  elements: str
  returned: always
"""

GROUP = {"type": "str", "default": "root"}
FOLDER = {
    "path": {"type": "path", "required": True},
    "group": GROUP,
    "mode": {"type": "str", "default": "0755"},
}
FILE = {
    "path": {"type": "path", "required": True},
    "content": {"type": "str", "required": True},
    "group": GROUP,
    "mode": {"type": "str", "default": "0644"},
    "validate": {"type": "str"},
}


def main() -> None:
    """Bring everything to what it shall be, and say what was changed."""
    # A new file is nobody's to read until it has the mode that was asked for.
    os.umask(0o077)
    module = AnsibleModule(
        argument_spec={
            "folders": {"type": "list", "elements": "dict", "default": [], "options": FOLDER},
            "files": {"type": "list", "elements": "dict", "default": [], "options": FILE},
            "owner": {"type": "str", "default": "root"},
        },
        supports_check_mode=True,
    )
    changed, diffs = [], []
    for folder in module.params["folders"]:
        if _made(module, folder["path"]) | _owned(module, folder):
            changed.append(folder["path"])
    for file in module.params["files"]:
        before = _content(file["path"])
        is_new = before != file["content"]
        if is_new:
            diffs.append(_difference(file["path"], before, file["content"]))
            _write(module, file)
        if _owned(module, file) or is_new:
            changed.append(file["path"])
    module.exit_json(changed=bool(changed), paths=changed, diff=diffs)


def _made(module: AnsibleModule, path: str) -> bool:
    if Path(path).is_dir():
        return False
    if not module.check_mode:
        Path(path).mkdir()
    return True


def _owned(module: AnsibleModule, wanted: dict[str, Any]) -> bool:
    """Give a path its owner, group and mode; whether it had others."""
    rights = {"owner": module.params["owner"], "group": wanted["group"], "mode": wanted["mode"]}
    arguments = module.load_file_common_arguments(rights, path=wanted["path"])
    return bool(module.set_fs_attributes_if_different(arguments, False))


def _content(path: str) -> str | None:
    try:
        return Path(path).read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return None


def _write(module: AnsibleModule, file: dict[str, Any]) -> None:
    if module.check_mode:
        return
    handle, fresh = tempfile.mkstemp(dir=module.tmpdir)
    with os.fdopen(handle, "wb") as output:
        output.write(file["content"].encode("utf-8", "surrogateescape"))
    if file["validate"]:
        status, said, complained = module.run_command(file["validate"].replace("%s", fresh))
        if status:
            module.fail_json(msg=f"{file['path']} was refused: {said}{complained}".strip())
    module.atomic_move(fresh, file["path"])


def _difference(path: str, before: str | None, after: str) -> dict[str, str]:
    return {"before_header": path, "after_header": path, "before": before or "", "after": after}


if __name__ == "__main__":
    main()
