"""Looks for a person in everything that isn't theirs, and takes them out of it.

Knows by what they are known: numbers, e-mail addresses, names, as their own payloads and leads tell. Rule for
editors: an event that may become somebody else's lead is never ended, and an address of two people stays.
"""

import sqlite3
import time

from bridge.config import Config
from bridge.errors import BridgeError
from bridge.inbound import GhlWorkflow
from bridge.inbound.body import parse
from bridge.model import Contact, Reading
from bridge.outbox.identity import contact_key
from bridge.rules.mapping import apply
from bridge.rules.mentions import Mentions
from bridge.store import event_words, forgetting, mentioning, reaching
from bridge.store.adopting import writing
from bridge.store.person import Person, events_of

# A lead under way is written down once more when its request ends.
AGAIN, AGAIN_S = 5, 0.2


class Search:
    """One way through all tables. What it did can be asked at any time."""

    def __init__(
        self,
        config: Config,
        person: Person,
        reader: sqlite3.Connection,
        connection: sqlite3.Connection,
        *,
        now: float,
    ) -> None:
        self._config = config
        self._person = person
        self._reader = reader
        self._connection = connection
        self._now = now
        self.last = mentioning.last_event(reader)
        self.shared = 0  # addresses that somebody else has, too
        self.others = 0  # events of others, or of nobody
        self.words = 0  # sentences of answers, and leads of others
        self._theirs = set(events_of(reader, person))
        self._learn()

    def _learn(self) -> None:
        """By what else they are known, and what of it is of somebody who had their phone once."""
        emails, names = mentioning.known_of(self._reader, self._person.phones)
        emails |= reaching.addresses_of(self._reader, self._person.contacts)
        others: set[str] = set()
        for said in mentioning.said_by(self._reader, self._theirs, self._person):
            if reading := self._reading(said.source, said.payload):
                contact = reading.contact
                full = {contact.name, f"{contact.first_name} {contact.last_name}"}
                if said.by_another:
                    others |= {contact.email.lower(), *full}
                else:
                    emails.add(contact.email)
                    names |= full
        emails = {email for email in emails if email.lower() not in others}
        self.known = Mentions(self._person.phones, emails, names - others)
        whose = (*self._person.phones, *self._person.former)
        self._share(
            mentioning.shared_emails(self._reader, self.known.emails, whose)
            | reaching.shared(self._reader, self.known.emails, self._person.contacts)
        )

    def _share(self, emails: set[str]) -> None:
        """These addresses are somebody else's, too, and aren't looked for."""
        left = [email for email in self.known.emails if email not in emails]
        self.shared += len(self.known.emails) - len(left)
        self.known = Mentions(self._person.phones, left, self.known.names)

    def _reading(self, source_name: str, payload: bytes) -> Reading | None:
        """What an event says; in a workflow's words where its source left the configuration."""
        source = self._config.sources.get(source_name) or GhlWorkflow(source_name, "")
        try:
            return source.read(parse(payload))
        except BridgeError:
            return None

    def go(self, *, rest_s: float) -> None:
        """Take them out of everything, with a rest between two transactions."""
        first = 0
        while first <= self.last:
            found, first = mentioning.mentions_in(
                self._reader, self.known, first=first, last=self.last, but=self._theirs
            )
            for mention in found:
                self._take_out(mention)
                time.sleep(rest_s)
        self.words += mentioning.redact_words(self._reader, self.known, self._write)
        for _ in range(AGAIN):
            count = mentioning.redact_bodies(self._reader, self.known, self._person.former, self._write)
            self.words += count
            if not count:
                return
            time.sleep(AGAIN_S)

    def _take_out(self, mention: mentioning.Mention) -> None:
        theirs = mention.nobodys
        if mention.nobodys and mention.state == "received":
            theirs, phone = self._about_them(mention)
            number = Mentions(self._person.phones)
            if phone and not theirs and not mentioning.in_payload(mention.payload, number):
                self._share({each for each in self.known.emails if self._is_in(mention, each)})
                return
        with writing(self._connection) as connection:
            if theirs:
                forgetting.erase_events(connection, [mention.id], self._now)
            else:
                payload = mentioning.redact(connection, mention, self.known)
                if payload != mention.payload:
                    reading = self._reading(mention.source, payload)
                    event_words.rewrite(connection, mention.id, reading.contact if reading else Contact())
        self.others += 1

    @staticmethod
    def _is_in(mention: mentioning.Mention, email: str) -> bool:
        return mentioning.in_payload(mention.payload, Mentions([], [email]))

    def _about_them(self, mention: mentioning.Mention) -> tuple[bool, str]:
        """Whether the rules would make it theirs, and the phone that it is about."""
        source = self._config.sources.get(mention.source)
        reading = self._reading(mention.source, mention.payload)
        if source is None or reading is None:
            return True, ""
        regions = (source.default_region, self._config.default_region)
        mapped = apply(self._config.rules, reading, regions=regions)
        key = contact_key(mention.source, reading, mapped.phone)
        known = key is not None and (key.system, key.contact_id) in self._person.contacts
        return known or mapped.phone in ("", *self._person.phones), mapped.phone

    def _write(self, statement: str, values: tuple[object, ...]) -> None:
        with writing(self._connection) as connection:
            connection.execute(statement, values)
