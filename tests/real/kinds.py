"""What the tests of the whole daemon have to know of a kind of directory server. The servers themselves, and how their
data is looked at and changed by hand, are in ldapserver.py, ds389server.py and sambaserver.py."""
import base64

from ldapserver import PEOPLE, SlapdServer


def inet_group(dn, first_member):
    """A group that somebody makes; its name may be anything."""
    return "dn:: %s\nobjectClass: groupOfNames\n%s\n" % (base64.b64encode(dn.encode()).decode(), first_member)


def inet_somebody(n):
    """What a group may have as a member and is no account of ours; another one for each number."""
    return "uid=keegi%d,ou=mujal,dc=linn,dc=test" % n


def inet_person(name):
    """An entry that somebody else makes: its DN, and the LDIF."""
    dn = "uid=%s,%s" % (name, PEOPLE)
    return dn, "dn: %s\nobjectClass: inetOrgPerson\nuid: %s\ncn: %s\nsn: %s\n\n" % (dn, name, name, name)


class OpenLdap:
    dialect = "openldap"
    somebody = staticmethod(inet_somebody)
    rdn = "uid"
    soon = 4  # seconds in which an account is made and seen
    naps = 60  # how often an idle daemon may wake up in six seconds
    stranger = staticmethod(inet_person)
    dangles = True  # a member may name an entry that is not there
    tells_gone = True  # its watch tells the service account of what was deleted
    administrator = "cn=root,"  # as it stands in modifiersName
    cookie = True  # its watch goes on where it had ended

    @staticmethod
    def server(live):
        return SlapdServer(tls=False, live=live)

    @staticmethod
    def conf(server):
        return ["placeholder_dn = " + server.nobody, "policy_dn = " + server.policy]

    @staticmethod
    def first_member(server):
        """What a new groupOfNames must not be without."""
        return "member: %s\n" % server.nobody

    @staticmethod
    def group(server, dn):
        return inet_group(dn, OpenLdap.first_member(server))

    @staticmethod
    def is_locked(server, dn):
        return "pwdEndTime: " in server.search(dn, "(objectClass=*)", "pwdEndTime")

    @staticmethod
    def strict(server):
        """A password policy that holds up whoever is no administrator of passwords."""
        server.modify("dn: %s\nchangetype: modify\nadd: pwdMinAge\npwdMinAge: 86400\n-\nadd: pwdCheckQuality\n"
                      "pwdCheckQuality: 2\n-\nadd: pwdMinLength\npwdMinLength: 8\n" % server.policy)

    @staticmethod
    def unlock(password=None):
        """What somebody else does who opens an account: lines of a modification."""
        return "delete: pwdEndTime" + ("\n-\nreplace: userPassword\nuserPassword: " + password if password else "")


class Ds389:
    dialect = "389ds"
    somebody = staticmethod(inet_somebody)
    rdn = "uid"
    soon = 4
    naps = 60
    stranger = staticmethod(inet_person)
    dangles = True
    tells_gone = True
    administrator = "cn=directory manager"
    cookie = False

    @staticmethod
    def server(live):
        from ds389server import Ds389Server  # wants root: only who needs it
        return Ds389Server(usn=live == "usn")

    @staticmethod
    def conf(server):
        return []

    @staticmethod
    def first_member(server):
        return ""

    @staticmethod
    def group(server, dn):
        return inet_group(dn, "")

    @staticmethod
    def is_locked(server, dn):
        return "nsAccountLock: " in server.search(dn, "(objectClass=*)", "nsAccountLock")

    @staticmethod
    def strict(server):
        server.modify("dn: cn=config\nchangetype: modify\n" + "-\n".join(
            "replace: %s\n%s: %s\n" % (name, name, value) for name, value in (
                ("passwordMinAge", 86400), ("passwordCheckSyntax", "on"), ("passwordMinLength", 8),
                ("passwordHistory", "on"), ("passwordAdminDN", server.service_dn))))

    @staticmethod
    def unlock(password=None):
        return "delete: nsAccountLock" + ("\n-\nreplace: userPassword\nuserPassword: " + password if password else "")


class Ad:
    """Samba's; the town on it is AdTown."""
    dialect = "ad"
    rdn = "CN"
    soon = 10
    naps = 400  # it asks for changes each second
    administrator = "somebody whom the directory does not name, at 20"
    cookie = True
    dangles = False
    tells_gone = False

    @staticmethod
    def strict(server):
        server.samba_tool("domain", "passwordsettings", "set", "--min-pwd-age=2", "--complexity=on", "--history-length=24",
                          "--min-pwd-length=12")

    @staticmethod
    def group(server, dn):
        return "dn:: %s\nobjectClass: group\nsAMAccountName: muu\n\n" % base64.b64encode(dn.encode()).decode()

    @staticmethod
    def is_locked(server, dn):
        return "userAccountControl: 514\n" in server.search(dn, "(objectClass=*)", "userAccountControl")

    @staticmethod
    def stranger(name):
        from sambaserver import PEOPLE as people  # wants root: only who needs it
        dn = "CN=%s,%s" % (name, people)
        return dn, "dn: %s\nobjectClass: user\nsAMAccountName: %s\nuserAccountControl: 546\n\n" % (dn, name)

    @staticmethod
    def somebody(n):
        """Of those that every domain has."""
        from sambaserver import SUFFIX as suffix
        return "CN=%s,CN=Users,%s" % (["Guest", "krbtgt", "Administrator", "Domain Guests", "Domain Computers"][n - 1], suffix)

    @staticmethod
    def unlock(password=None):
        text = "replace: userAccountControl\nuserAccountControl: 512"
        value = base64.b64encode(('"%s"' % password).encode("utf-16-le")).decode()
        return ("replace: unicodePwd\nunicodePwd:: %s\n-\n" % value if password else "") + text


KINDS = {k.dialect: k for k in (OpenLdap, Ds389, Ad)}
