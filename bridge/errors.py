"""The exception tree. Whose fault it is and what happens next are in the type, never in a string.

BridgeError
├── ConfigError             at start or reload: every problem at once; exit status 2
├── ExpressionError         an expression in the YAML that can't work; becomes a ConfigError with its place
├── InboundError            the sender's fault: answered, never stored
│   ├── InvalidSignature    401, never says which part was wrong
│   └── MalformedPayload    400, says what was wrong
│       └── PayloadTooLarge 413, the body is over the limit, packed or not
├── MappingError            this payload under these rules can't become a lead; the event is dead
│   ├── MissingField        nothing usable for a field that Fusion requires
│   └── InvalidPhone        there is a phone, but nobody could dial it
└── StoreError              disk or lock trouble: the web answers 429, the worker waits
"""

from dataclasses import dataclass


class BridgeError(Exception):
    """Root of everything the bridge raises on purpose. `fix` tells the operator what to do."""

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a configuration: where, what, and how to mend it."""

    path: str  # "fusion.accounts.main.api_key", "routes[1].when"; empty for the file as a whole
    message: str
    fix: str = ""
    line: int | None = None  # 1-based; None where no line of the file is to blame


class ConfigError(BridgeError):
    """The configuration can't be used; carries every problem found, in the order of the file."""

    def __init__(self, file: str, problems: tuple[Problem, ...]) -> None:
        super().__init__(f"{file}: {len(problems)} problem{'s' * (len(problems) != 1)}")
        self.file = file
        self.problems = problems


class ExpressionError(BridgeError):
    """An expression that can't be compiled, or names something that can't exist."""


class InboundError(BridgeError):
    """The sender's fault; answered, never stored."""


class InvalidSignature(InboundError):
    """Missing or wrong secret or signature, or another app's delivery."""


class MalformedPayload(InboundError):
    """Neither JSON nor a form, not an object, or nothing that identifies a contact."""


class PayloadTooLarge(MalformedPayload):
    """A body over the limit, as it came or unpacked."""


class MappingError(BridgeError):
    """This payload under these rules can't become a lead."""

    def __init__(self, message: str, *, field: str, fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.field = field


class MissingField(MappingError):
    """Nothing usable for a field that Fusion requires."""


class InvalidPhone(MappingError):
    """There is a phone, but nobody could dial it."""


class StoreError(BridgeError):
    """The database can't be read or written now."""
