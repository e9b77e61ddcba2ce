"""Gap: a property that no handler of ministack 1.5.33 reads is dropped in silence, and the stack still completes.

That is how a boundary or an Object Lock goes missing. So the properties of every resource are handed to its handler
in a dict that notes what is read, and a security-relevant property that was not read fails the resource, naming type
and property; CloudFormation then rolls the stack back. What counts as security relevant is data, in `audit_rules`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

from .audit_rules import matters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .support import Created, Props


class TrackedProperties(dict[str, Any]):
    """Properties that note which of their top-level names were read.

    A handler that only looks whether a name is there has not read it; one that copies or iterates everything has
    read everything, and `audit_rules` lists what such handlers are known to ignore.
    """

    def __init__(self, props: Props) -> None:
        super().__init__(props)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """As `dict.get`, noted."""
        self.read.add(name)
        return super().get(name, default)

    def pop(self, name: str, *default: Any) -> Any:
        """As `dict.pop`, noted."""
        self.read.add(name)
        return super().pop(name, *default)

    def __iter__(self) -> Iterator[str]:
        # Overriding this also makes dict(props) and {**props} go through __getitem__.
        return super().__iter__()

    def items(self) -> Any:
        """As `dict.items`; everything counts as read."""
        self.read.update(super().keys())
        return super().items()

    def values(self) -> Any:
        """As `dict.values`; everything counts as read."""
        self.read.update(super().keys())
        return super().values()


def ignored(resource_type: str, props: TrackedProperties) -> list[str]:
    """The security-relevant properties of the template that the handler did not use, sorted."""
    given = (name for name in dict.keys(props) if dict.__getitem__(props, name) is not None)
    return sorted(name for name in given if matters(resource_type, name, read=name in props.read))


def _refusal(resource_type: str, names: list[str]) -> ValueError:
    return ValueError(
        f"property audit: the embedded AWS does not implement {', '.join(names)} of {resource_type}, "
        "and ignoring what is security relevant would show a protection that is not there"
    )


def _audited(resource_type: str, handler: dict[str, Any]) -> None:
    create, delete, update = handler["create"], handler.get("delete"), handler.get("update")

    def audited_create(logical_id: str, props: Props, stack_name: str) -> Created:
        tracked = TrackedProperties(props)
        physical_id, attributes = create(logical_id, tracked, stack_name)
        missed = ignored(resource_type, tracked)
        if missed:
            if delete is not None and not handler.get("delete_with_logical_id"):
                delete(physical_id, props)
            raise _refusal(resource_type, missed)
        return physical_id, attributes

    handler["create"] = audited_create
    if update is not None:
        handler["update"] = _audited_update(resource_type, update)


def _audited_update(resource_type: str, update: Callable[..., Created]) -> Callable[..., Created]:
    def audited_update(physical_id: str, old: Props, new: Props, *rest: Any) -> Created:
        tracked = TrackedProperties(new)
        answer = update(physical_id, old, tracked, *rest)
        # What did not change was audited when it was created, and an update handler need not read it again.
        missed = [name for name in ignored(resource_type, tracked) if old.get(name) != dict.__getitem__(tracked, name)]
        if missed:
            raise _refusal(resource_type, missed)
        return answer

    return audited_update


def install() -> None:
    """Audit every type, also those that other extensions added or changed, so this one comes after them."""
    for resource_type, handler in _RESOURCE_HANDLERS.items():
        if resource_type != "AWS::CDK::Metadata":
            _audited(resource_type, handler)
