/* Every word of the letter. The names of the measures are those of E-ITS 2023. */
#include "letter.h"

#include <string.h>

static const char *const texts[LW_COUNT][2] = {
    [LW_TITLE] = {"Meelespea uuele töötajale", "For a new colleague"},
    [LW_WELCOME] = {"Tere tulemast, {1}!", "Welcome, {1}!"},
    [LW_INSTITUTION] = {"Asutus", "Institution"},
    [LW_UNIT] = {"Üksus", "Department"},
    [LW_POSITION] = {"Ametikoht", "Position"},
    [LW_NUMBER] = {"Töötaja number", "Employee number"},
    [LW_FIRST_DAY] = {"Esimene tööpäev", "First working day"},
    [LW_LAST_DAY] = {"Viimane tööpäev", "Last working day"},
    [LW_MANAGER] = {"Vahetu juht", "Manager"},

    [LW_ACCOUNTS] = {"Kasutajakontod", "User accounts"},
    [LW_NO_ACCOUNTS] = {"Kataloogikontot Teie ametikohal ei ole.", "Your position has no account in a directory."},
    [LW_NO_LOGIN] = {"selgub konto loomisel", "known when it is made"},
    [LW_ADMIN_ACCOUNT] = {"{1} (halduskonto)", "{1} (administration)"},
    [LW_OPEN] = {"avatud", "open"},
    [LW_SOON] = {"avamisel", "being opened"},
    [LW_ON_FIRST_DAY] = {"avatakse esimesel tööpäeval", "opens on the first day"},
    [LW_SUSPENDED] = {"peatatud äraoleku ajaks", "suspended during an absence"},
    [LW_OBSERVE] = {"avab IT-spetsialist", "opened by the IT specialist"},

    [LW_PASSWORD] = {"Esimene parool", "First password"},
    [LW_PASSWORD_FILE] =
        {"Teile on loodud või luuakse ühekordne parool, mis on teada ainult IT-spetsialistile. Ta annab selle Teile "
         "isiklikult; parooli ei saadeta e-kirjaga ega öelda telefonis.",
         "A one-time password is made for you that only the IT specialist knows. You get it in person; it is never "
         "sent by "
         "e-mail or said on the phone."},
    [LW_PASSWORD_NONE] = {"Esimese parooli määrate koos IT-spetsialistiga; võtke kaasa isikut tõendav dokument.",
                          "You set the first password together with the IT specialist; bring an identity document."},
    [LW_PASSWORD_ANY] =
        {"Esimese parooli annab Teile IT-spetsialist isiklikult; seda ei saadeta e-kirjaga ega öelda "
         "telefonis.",
         "The IT specialist gives you the first password in person; it is never sent by e-mail or said on "
         "the phone."},
    [LW_PASSWORD_GIVEN] = {"Konto {1} ühekordne parool", "One-time password of {1}"},
    [LW_PASSWORD_GIVEN_DO] =
        {"Vahetage parool kohe, kui olete esimest korda sisse loginud, ja hävitage siis see leht.",
         "Change the password as soon as you have logged in for the first time, then destroy this page."},
    [LW_PASSWORD_OTHERS] = {"Teiste kontode paroolid annab IT-spetsialist Teile isiklikult.",
                            "The IT specialist gives you the passwords of the other accounts in person."},
    [LW_PASSWORD_RULE] =
        {"Valige uus parool ise: vähemalt 12 märki pikk ja selline, mida Te mujal ei kasuta.",
         "Choose the new password yourself: at least 12 characters, and one that you use nowhere else."},

    [LW_RIGHTS] = {"Registrid ja rollid", "Registers and roles"},
    [LW_NO_RIGHTS] = {"Teile ei ole veel registriõigusi antud. Neid taotleb Teie vahetu juht.",
                      "You have been given no rights in registers yet. Your manager requests them."},
    [LW_FROM] = {"alates {1}", "from {1}"},
    [LW_UNTIL] = {"kuni {1}", "until {1}"},
    [LW_AUTO] = {"kehtib, kui konto on avatud", "works when the account is open"},
    [LW_ORDER] = {"lisatakse käsitsi, töökäsk {1}, tähtaeg {2}", "added by hand, work order {1}, due {2}"},
    [LW_DONE] = {"registrisse lisatud", "added in the register"},
    [LW_LATER] = {"ei kehti veel", "not yet in effect"},
    [LW_MANUAL] = {"küsige registri kontaktilt", "ask the register's contact"},
    [LW_CONTACT] = {"kontakt: {1}", "contact: {1}"},
    [LW_MORE_ONE] = {"… ja veel 1 õigus; kogu loetelu saate IT-spetsialistilt.",
                     "… and 1 more; the IT specialist has the whole list."},
    [LW_MORE] = {"… ja veel {1} õigust; kogu loetelu saate IT-spetsialistilt.",
                 "… and {1} more; the IT specialist has the whole list."},

    [LW_DUTIES] = {"Teie kohustused", "Your duties"},
    [LW_DUTY_SECRECY] =
        {"Hoidke tööl teatavaks saanud isikuandmed ja muu asutusesisene teave saladuses, ka pärast töösuhte "
         "lõppu.",
         "Keep personal data and other internal information that you learn at work confidential, also after "
         "your employment has ended."},
    [LW_DUTY_USE] = {"Kasutage registreid ainult oma tööülesannete täitmiseks. Päringud ja toimingud logitakse.",
                     "Use the registers only for your duties. Queries and actions are logged."},
    [LW_DUTY_PASSWORD] =
        {"Ärge andke oma parooli ega ID-kaardi PIN-koode kellelegi, ka mitte IT-spetsialistile. Töökohalt "
         "lahkudes lukustage arvuti.",
         "Give your password and the PIN codes of your ID-card to nobody, not even to the IT specialist. "
         "Lock your computer when you leave it."},
    [LW_DUTY_INCIDENT] =
        {"Turvaintsidendist (kahtlane kiri, kaotatud seade või ID-kaart, valele inimesele saadetud andmed) "
         "teatage viivitamata: {1}",
         "Report a security incident (a suspicious message, a lost device or ID-card, data sent to the wrong "
         "person) without delay: {1}"},
    [LW_DUTY_CHANGE] = {"Kui Teie tööülesanded muutuvad, teatage sellest oma juhile: õigused, mida Te enam ei vaja, "
                        "tühistatakse.",
                        "Tell your manager when your duties change: rights that you no longer need are cancelled."},
    [LW_BASIS] = {"Alus: Eesti infoturbestandard (E-ITS 2023), meetmed ORP.2.M1, ORP.4.M2, ORP.4.M8, ORP.4.M19.",
                  "Basis: Estonian information security standard (E-ITS 2023): ORP.2.M1, ORP.4.M2, M8, M19."},

    [LW_ASK] = {"Kust küsida", "Where to ask"},
    [LW_ASK_HELP] = {"Konto, parool ja õigused: {1}", "Account, password and rights: {1}"},
    [LW_ASK_REGISTER] = {"Registri sisu ja kasutamine: registri kontakt ülal.",
                         "What a register holds and how it is used: its contact above."},
    [LW_SIGN] = {"Olen tutvunud: ____________________________________ (allkiri, kuupäev)",
                 "I have read this: _________________________________ (signature, date)"},
};

const char *letter_text(enum letter_lang lang, enum letter_word w)
{
    return texts[w][lang];
}

const char *letter_code(enum letter_lang lang)
{
    return lang == LETTER_EN ? "en" : "et";
}

bool letter_lang_parse(const char *code, enum letter_lang *out)
{
    for (int i = LETTER_ET; i <= LETTER_EN; i++)
        if (strcmp(code, letter_code((enum letter_lang)i)) == 0) {
            *out = (enum letter_lang)i;
            return true;
        }
    return false;
}
