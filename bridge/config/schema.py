"""The keys of the configuration file: what may stand where, and what holds where nothing is written.

Knows shapes and defaults; single values are `values`, what one key means for another is `checks`. The rule
to keep: a key is here, in config.example.yaml and in the contract, or nowhere; unknown ones are refused.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bridge.config.addresses import Host, PublicUrl, SafeUrl
from bridge.config.values import (
    CampaignId,
    CampaignRule,
    Days,
    Duration,
    Expression,
    PerEvent,
    PublicKey,
    Region,
    Rule,
    Secret,
    Tag,
    TagsExpression,
    Text,
    Timezone,
    Token,
    WholeSecond,
)

# In which every key has a default: left blank, with all keys commented out, they are as if absent. Any
# other blank is refused: `when:` with nothing behind it must not match everyone.
MAY_BE_BLANK = (
    "server",
    "campaigns",
    "locations",
    "lead",
    "routes",
    "do_not_call",
    "on_delete",
    "on_phone_change",
    "retry",
    "retention",
)


class Keys(BaseModel):
    """A mapping of the file. Its values never get into an error's text."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, arbitrary_types_allowed=True
    )


class ServerKeys(Keys):
    host: Host = "0.0.0.0"  # noqa: S104 - the documented default: webhooks come from outside
    port: int = Field(8080, ge=0, le=65_535)  # 0: any free one
    public_url: PublicUrl = None


class AccountKeys(Keys):
    api_key: Secret = Field(repr=False)


class LimitKeys(Keys):
    requests: int = Field(100, ge=1, le=1_000_000)
    per: WholeSecond = 60.0


class FusionKeys(Keys):
    base_url: SafeUrl = "https://app.fusioncalling.com"
    accounts: dict[str, AccountKeys] = Field(min_length=1)
    leads_limit: LimitKeys = LimitKeys()
    concurrency: int = Field(4, ge=1, le=4)


class WorkflowKeys(Keys):
    type: Literal["ghl_workflow"]
    token: Token = Field(repr=False)
    locations: list[Text] = []
    default_region: Region = ""
    timezone: Timezone = ""


class AppKeys(Keys):
    type: Literal["ghl_app"]
    public_keys: list[PublicKey] = []
    app_id: Text = ""
    locations: list[Text] = []
    default_region: Region = ""


class ContactKeys(Keys):
    """The words of model.Contact, for a source whose payload has its own names for them."""

    id: PerEvent | None = None
    first_name: Expression | None = None
    last_name: Expression | None = None
    name: Expression | None = None
    email: Expression | None = None
    phone: PerEvent | None = None
    tags: TagsExpression | None = None
    company: Expression | None = None
    address1: Expression | None = None
    city: Expression | None = None
    state: Expression | None = None
    postal_code: Expression | None = None
    country: Expression | None = None
    timezone: Expression | None = None
    source: Expression | None = None
    type: Expression | None = None
    website: Expression | None = None
    date_of_birth: Expression | None = None
    assigned_to: Expression | None = None
    do_not_call: Expression | None = None
    custom: dict[str, Expression] = {}


class JsonKeys(Keys):
    type: Literal["json"]
    token: Token = Field(repr=False)
    id: PerEvent | None = None
    occurred_at: PerEvent | None = None
    deleted: Expression | None = None
    contact: ContactKeys
    default_region: Region = ""
    timezone: Timezone = ""


class LeadKeys(Keys):
    name: Rule | None = None
    phone: Rule | None = None
    email: Rule | None = None
    company: Rule | None = None
    tags: Rule | None = None
    custom_fields: dict[str, Rule] | None = None
    tags_as_is: bool = False
    clear_emptied: bool = False


class RouteKeys(Keys):
    name: Text | None = None
    when: Text | None = None
    skip: Text | None = None
    account: Text | None = None  # like the campaign, a name or an expression
    campaign: Text | None = None
    campaign_id: CampaignRule | None = None
    kind: Literal["call", "sms"] | None = None
    move: bool = False
    lead: LeadKeys | None = None
    add_tags: Rule | None = None


class LocationKeys(Keys):
    name: Text | None = None
    account: Text | None = None
    campaign: Text | None = None
    campaign_id: CampaignId | None = None
    default_region: Region = ""
    timezone: Timezone = ""


Campaigns = dict[str, CampaignId]
Locations = dict[str, LocationKeys]


class TableKeys(Keys):
    """The tables of names that routes use."""

    campaigns: Campaigns = {}
    locations: Locations = {}


class DoNotCallKeys(Keys):
    when: Text = "contact.do_not_call"
    tag: Tag = "do-not-call"


class DeletedKeys(Keys):
    tag: Tag = "deleted-in-crm"


class PhoneChangedKeys(Keys):
    tag: Tag = "phone-changed"


class RetryKeys(Keys):
    max_attempts: int = Field(8, ge=1, le=1000)
    first_delay: Duration = 5.0
    max_delay: Duration = 900.0
    give_up_after: Duration = 259_200.0


class RetentionKeys(Keys):
    payloads: Days = 2_592_000.0
    events: Days = 7_776_000.0


class FileKeys(Keys):
    server: ServerKeys = ServerKeys()
    database: Text = "data/bridge.db"
    default_region: Region = "US"
    fusion: FusionKeys
    sources: dict[str, Any] = Field(min_length=1, repr=False)  # each by its own type: see `sources`
    campaigns: Campaigns = {}
    locations: Locations = {}
    lead: LeadKeys | None = None
    routes: list[RouteKeys] = []
    do_not_call: DoNotCallKeys = DoNotCallKeys()
    on_delete: DeletedKeys = DeletedKeys()
    on_phone_change: PhoneChangedKeys = PhoneChangedKeys()
    retry: RetryKeys = RetryKeys()
    retention: RetentionKeys = RetentionKeys()

    @model_validator(mode="before")
    @classmethod
    def _blank_is_absent(cls, data: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in data.items() if value is not None or key not in MAY_BE_BLANK}


SourceKeys = WorkflowKeys | AppKeys | JsonKeys
SOURCE_TYPES: dict[str, type[SourceKeys]] = {
    "ghl_workflow": WorkflowKeys,
    "ghl_app": AppKeys,
    "json": JsonKeys,
}
