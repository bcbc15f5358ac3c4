"""What the tests of the whole daemon have to know of a kind of directory server. The servers themselves, and how their
data is looked at and changed by hand, are in ldapserver.py and ds389server.py."""
from ldapserver import SlapdServer


class OpenLdap:
    dialect = "openldap"
    administrator = "cn=root,"  # as it stands in modifiersName
    lock = "pwdEndTime"
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
    administrator = "cn=directory manager"
    lock = "nsAccountLock"
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
    def strict(server):
        server.modify("dn: cn=config\nchangetype: modify\n" + "-\n".join(
            "replace: %s\n%s: %s\n" % (name, name, value) for name, value in (
                ("passwordMinAge", 86400), ("passwordCheckSyntax", "on"), ("passwordMinLength", 8),
                ("passwordHistory", "on"), ("passwordAdminDN", server.service_dn))))

    @staticmethod
    def unlock(password=None):
        return "delete: nsAccountLock" + ("\n-\nreplace: userPassword\nuserPassword: " + password if password else "")


KINDS = {k.dialect: k for k in (OpenLdap, Ds389)}
