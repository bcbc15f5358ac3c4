"""What the tests of facts about directory servers share: a connection, and an answer with its code and its text."""

import os

os.environ["LDAPNOINIT"] = "1"  # no configuration of the host; libldap looks when it is first used

import ldap

ldap.initialize("ldap://127.0.0.1")
del os.environ["LDAPNOINIT"]  # programs that a test starts decide for themselves
from ldap.controls import LDAPControl

ADD, DELETE, REPLACE = ldap.MOD_ADD, ldap.MOD_DELETE, ldap.MOD_REPLACE
BASE, ONE, TREE = ldap.SCOPE_BASE, ldap.SCOPE_ONELEVEL, ldap.SCOPE_SUBTREE


def connect(server, dn=None, password=None, uri=None, starttls=False):
    """A bound connection; by default the service account's."""
    c = ldap.initialize(uri or server.uri, bytes_mode=False)
    for option, value in ((ldap.OPT_PROTOCOL_VERSION, 3), (ldap.OPT_REFERRALS, 0), (ldap.OPT_NETWORK_TIMEOUT, 60),
                          (ldap.OPT_TIMEOUT, 60), (ldap.OPT_X_TLS_CACERTFILE, server.ca_file), (ldap.OPT_X_TLS_NEWCTX, 0)):
        c.set_option(option, value)
    if starttls:
        c.start_tls_s()
    c.simple_bind_s(*((server.service_dn, server.password) if dn is None else (dn, password)))
    return c


def answer(call, *args, **kw):
    """(result code, the server's text): what a request that may be refused was answered with."""
    try:
        call(*args, **kw)
    except ldap.LDAPError as e:
        return e.args[0]["result"], e.args[0].get("info", "")
    return 0, ""


def code(call, *args, **kw):
    return answer(call, *args, **kw)[0]


def control(oid, value=None, critical=True):
    return LDAPControl(oid, critical, encodedControlValue=value)


def read(connection, dn, *attributes):
    """The first value of each attribute as text, None for those that are not there; alone if only one was asked for."""
    found = connection.search_s(dn, BASE, attrlist=list(attributes))[0][1]
    found = {k.lower(): v[0].decode("utf-8", "surrogateescape") for k, v in found.items()}
    values = tuple(found.get(a.lower()) for a in attributes)
    return values[0] if len(values) == 1 else values


def values(connection, dn, attribute):
    """All values of one attribute, as a set of text."""
    found = connection.search_s(dn, BASE, attrlist=[attribute])[0][1]
    return {v.decode() for k in found if k.lower() == attribute.lower() for v in found[k]}
