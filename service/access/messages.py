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
NOT_PUBLIC = template("access.not_public", "There is nothing to read here.")
SERVER_ERROR = template("api.server_error", "Something went wrong on the server; its log says more under {number}.")

ADDRESS_WITHOUT_ACCOUNTS = template(
    "access.address_without_accounts",
    "The dashboard does not listen on {address}, because whoever reaches it there would see everybody without a "
    "login; leave FERPHQ_ADDRESS at 127.0.0.1, or add accounts first (fer-phq users add).",
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
