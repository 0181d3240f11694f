"""Messages about requests that are refused, and about the address that the dashboard listens on."""

from __future__ import annotations

from fer_phq.core.messages import template

UNKNOWN_HOST = template(
    "api.unknown_host", "This installation is not asked as '{host}'; add the name to FERPHQ_ALLOWED_HOSTS."
)
OTHER_ORIGIN = template(
    "api.other_origin", "Requests from other sites are not taken; add the origin to FERPHQ_ALLOWED_ORIGINS."
)
OTHER_SITE = template("api.other_site", "Requests from other sites are not taken; open the dashboard itself.")
WRONG_LOGIN = template("access.wrong_login", "Name or password are wrong.")
TOO_MANY_FAILURES = template(
    "access.too_many_failures", "There were too many failed logins; try again in {minutes} minutes."
)
PROVIDER_SILENT = template(
    "access.provider_silent",
    "Your organisation's login does not answer as it should; try again later, or ask an administrator.",
)
PROVIDER_ANSWER = template(
    "access.provider_answer", "What your organisation's login answered cannot be trusted; log in once more."
)
PROVIDER_REFUSED = template("access.provider_refused", "Your organisation's login did not let you in.")
PROVIDER_AGE = template(
    "access.provider_age",
    "Your organisation's login did not ask for your password lately, or does not say when; log in there anew.",
)
SECOND_FACTOR = template(
    "access.second_factor",
    "Your organisation's login did not say that you used a second factor, which this installation needs.",
)
LOGIN_OVER = template(
    "access.login_over", "This login was not begun here, or took too long; begin it once more on this page."
)
NO_ACCOUNT_OF_PERSON = template(
    "access.no_account_of_person",
    "There is no open account for you here; an administrator of this installation can add it.",
)
OIDC_HALF = template(
    "access.oidc_half",
    "FERPHQ_OIDC_ISSUER and FERPHQ_OIDC_CLIENT_ID belong together, and only one of them is set; set both or neither.",
)
OIDC_ISSUER = template(
    "access.oidc_issuer",
    "FERPHQ_OIDC_ISSUER is '{issuer}': write an address that begins with https, as the provider calls itself.",
)
OIDC_SECRET_FILE = template(
    "access.oidc_secret_file", "The file {file} of FERPHQ_OIDC_CLIENT_SECRET_FILE holds no secret ({reason})."
)
OIDC_MISSING = template(
    "access.oidc_missing",
    "No provider of identities is named with which the person could log in; set FERPHQ_OIDC_ISSUER and "
    "FERPHQ_OIDC_CLIENT_ID first.",
)
OIDC_ENTRY = template(
    "access.oidc_entry", "'{entry}' is no entry for an account: write what the provider sends as {claim}, in a line."
)
OIDC_OR_PASSWORD = template(
    "access.oidc_or_password", "An account has a password or logs in with the provider: leave out --password-file."
)
LOGIN_NEEDED = template("access.login_needed", "Log in first.")
SCOPE_NEEDED = template("access.scope_needed", "The token may not be used for this: it lacks the scope {scope}.")
PASSWORD_LENGTH = template(
    "access.password_length", "A password has {shortest} to {longest} characters: a few words make a good one."
)
PASSWORD_GUESSED = template(
    "access.password_guessed",
    "This password is easily guessed: it holds the account's name or few different characters. Choose another one.",
)
FIRST_ADMINISTRATOR = template(
    "access.first_administrator",
    "The first account must be an administrator's, or nobody could manage the others: add it with --role "
    "administrator.",
)
PASSWORDS_DIFFER = template("access.passwords_differ", "The two passwords differ; type them again.")
UNKNOWN_ROLE = template("access.unknown_role", "There is no role '{role}': choose one of {roles}.")
UNKNOWN_SCOPE = template("access.unknown_scope", "There is no scope '{scope}': choose among {scopes}.")
DAYS = template("access.days", "A token lasts 1 to {most} days.")
PASSWORD_FILE = template("access.password_file", "The file {file} holds no password ({reason}).")
AUDIT_FILE = template("access.audit_file", "{file} is no name for an export: end it in .csv or .jsonl.")
AUDIT_UNWRITABLE = template("access.audit_unwritable", "{file} cannot be written ({reason}): choose another file.")
NO_TOKEN = template("access.no_token", "There is no token '{token}': `fer-phq tokens list` shows them.")
NOT_PUBLIC = template("access.not_public", "There is nothing to read here.")
SERVER_ERROR = template("api.server_error", "Something went wrong on the server; its log says more under {number}.")

ADDRESS_WITHOUT_ACCOUNTS = template(
    "access.address_without_accounts",
    "The dashboard does not listen on {address}, because whoever reaches it there would see everybody without a "
    "login; leave FERPHQ_ADDRESS at 127.0.0.1, or add accounts first (fer-phq users add).",
)
DATABASE_AWAY = template(
    "access.database_away", "The database does not answer now, and may again later: try again in a moment."
)
PROXY_WITHOUT_ACCOUNTS = template(
    "access.proxy_without_accounts",
    "The dashboard does not listen for the proxy of FERPHQ_TRUSTED_PROXY, because whom it lets through would see "
    "everybody without a login; add accounts first (fer-phq users add).",
)
ADDRESS_WITHOUT_TLS = template(
    "access.address_without_tls",
    "The dashboard does not listen on {address} without encryption; set FERPHQ_TLS_CERT and FERPHQ_TLS_KEY, or name "
    "the proxy that encrypts in FERPHQ_TRUSTED_PROXY.",
)
TLS_HALF = template(
    "access.tls_half",
    "FERPHQ_TLS_CERT and FERPHQ_TLS_KEY belong together, and only one of them is set; set both or neither.",
)
TLS_UNREADABLE = template(
    "access.tls_unreadable",
    "The certificate {certificate} and the key {key} cannot be used ({reason}); check FERPHQ_TLS_CERT and "
    "FERPHQ_TLS_KEY.",
)
