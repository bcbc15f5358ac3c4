/* The matrix as one page that needs nothing else: no address is asked, and the only script that may run is ours, known
 * by its hash. */
#include "html.h"
#include "matrix.h"

#include <string.h>

/* Shows the rows that hold every word of the box, in their cells or in the names of the registers. */
#define SCRIPT                                                                                                         \
    "(function () {\n"                                                                                                 \
    "  var box = document.getElementById('filter'), count = document.getElementById('count');\n"                       \
    "  var rows = Array.prototype.slice.call(document.querySelectorAll('tbody tr'));\n"                                \
    "  var texts = rows.map(function (r) { return r.textContent.toLocaleLowerCase('et'); });\n"                        \
    "  function show() {\n"                                                                                            \
    "    var words = box.value.toLocaleLowerCase('et').split(/\\s+/), n = 0;\n"                                        \
    "    rows.forEach(function (r, i) {\n"                                                                             \
    "      r.hidden = !words.every(function (w) { return texts[i].indexOf(w) >= 0; });\n"                              \
    "      n += r.hidden ? 0 : 1;\n"                                                                                   \
    "    });\n"                                                                                                        \
    "    count.textContent = n + ' / ' + rows.length;\n"                                                               \
    "  }\n"                                                                                                            \
    "  document.getElementById('search').hidden = false;\n"                                                            \
    "  box.addEventListener('input', show);\n"                                                                         \
    "  show();\n"                                                                                                      \
    "})();\n"
/* Base64 of its SHA-256; tests/real/test_ctl_people.py computes it again. */
#define SCRIPT_HASH "NaIY/odhqI91nVUuI9ZhRW/WL2eqt2vGEOx0kSP33Q4="

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"et\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
    "script-src 'sha256-" SCRIPT_HASH "'; base-uri 'none'; form-action 'none'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"robots\" content=\"noindex\">\n"
    "<title>Pääsuõiguste maatriks</title>\n<style>\n"
    "body { font: 14px/1.35 system-ui, sans-serif; margin: 1rem; color: #1a1a1a; background: #fff; }\n"
    "h1 { font-size: 1.4rem; margin: 0 0 .3rem; }\n"
    "p { margin: .2rem 0; max-width: 70rem; }\n"
    "#search { margin: .7rem 0; }\n"
    "#search[hidden] { display: none; }\n"
    "#filter { font: inherit; padding: .3rem .5rem; width: 22rem; max-width: 90%; }\n"
    ".frame { overflow: auto; max-height: 85vh; border: 1px solid #999; }\n"
    "table { border-collapse: separate; border-spacing: 0; }\n"
    "th, td { border: solid #ccc; border-width: 0 1px 1px 0; padding: .25rem .45rem; vertical-align: top; "
    "text-align: left; white-space: pre-line; overflow-wrap: anywhere; min-width: 5rem; max-width: 14rem; }\n"
    "thead th { position: sticky; top: 0; background: #e8eef4; z-index: 2; }\n"
    "tbody th { position: sticky; left: 0; background: #f6f6f6; z-index: 1; font-weight: 600; min-width: 11rem; }\n"
    "thead th:first-child { left: 0; z-index: 3; }\n"
    "tbody tr:hover td, tbody tr:hover th { background: #fff7d6; }\n"
    "tr[hidden] { display: none; }\n"
    "small { display: block; font-weight: normal; color: #444; }\n"
    ".code { display: none; }\n"
    ".privileged { background: #fde8e4; font-weight: 600; }\n"
    "@media print {\n"
    "  @page { size: A4 landscape; margin: 8mm; }\n"
    "  body { font-size: 6.5pt; margin: 0; }\n"
    "  #search { display: none !important; }\n"
    "  .frame { overflow: visible; max-height: none; border: 0; }\n"
    "  table { border-top: 1px solid #999; border-left: 1px solid #999; width: 100%; }\n"
    "  thead { display: table-header-group; }\n"
    "  thead th, tbody th { position: static; }\n"
    "  th, td { padding: 1pt 2pt; min-width: 0; max-width: none; }\n"
    "  tbody th { min-width: 0; }\n"
    "  tr { break-inside: avoid; }\n"
    "}\n"
    "</style>\n</head>\n<body>\n<h1>Pääsuõiguste maatriks: kes mida teha võib</h1>\n";

static const char legend[] =
    "<p>„Kuni” on viimane päev, mil õigus kehtib; kuupäevata õigus kehtib töösuhte lõpuni. „Veel registrisse "
    "lisamata”: "
    "õigus on antud, kuid töökäsk selle käsitsi lisamiseks on avatud. „Eelisõigus” (punasel taustal) on tavapärasest "
    "suurem õigus. Leht sisaldab isikuandmeid.</p>\n"
    "<div id=\"search\" hidden><label>Otsi nime, üksuse, registri või rolli järgi: "
    "<input id=\"filter\" type=\"search\" autocomplete=\"off\"></label> <output id=\"count\"></output></div>\n";

static const char *many(int n, const char *one, const char *more)
{
    return n == 1 ? one : more;
}

/* Persons with a right in the register, or (NULL) in any; who has two numbers stands in two rows and is one. */
static int holders(const struct ctl_matrix *m, const char *code)
{
    int n = 0;
    const char *last = "";
    for (int i = 0; i < PQntuples(m->cells); i++) {
        const char *who = PQgetvalue(m->cells, i, MX_PERSON);
        if ((code && strcmp(PQgetvalue(m->cells, i, MX_REGISTER), code) != 0) || strcmp(who, last) == 0)
            continue;
        n++;
        last = who;
    }
    return n;
}

/* Whose moment it is, and what was left out. */
static void about(const struct ctl_matrix *m, FILE *out)
{
    int people = holders(m, NULL), rights = PQntuples(m->cells), registers = PQntuples(m->registers);
    const PGresult *t = m->moment;
    fputs("<p>Seis ", out);
    ctl_html_element(out, "time", NULL, PQgetvalue(t, 0, MOM_MOMENT));
    fputs(" Tallinna aja järgi. Väljavõtte tegi ", out);
    ctl_html_element(out, "b", NULL, PQgetvalue(t, 0, PQgetisnull(t, 0, MOM_PERSON) ? MOM_LOGIN : MOM_PERSON));
    fputs(" (andmebaasi ", out);
    ctl_html_text(out, PQgetvalue(t, 0, MOM_DATABASE));
    fputs(" kasutaja ", out);
    ctl_html_text(out, PQgetvalue(t, 0, MOM_LOGIN));
    fprintf(out, "). %d %s, %d %s, %d %s.</p>\n", people, many(people, "inimene", "inimest"), registers,
            many(registers, "register", "registrit"), rights, many(rights, "õigus", "õigust"));
    if (!m->params[0] && !m->params[1] && !m->params[2])
        return;
    fputs("<p><b>See ei ole kogu maatriks:</b> ainult", out);
    const char *sep = " ";
    if (m->params[0]) {
        fputs(" register ", out);
        ctl_html_text(out, m->params[0]);
        sep = ", ";
    }
    if (m->params[1]) {
        fprintf(out, "%süks inimene", sep);
        sep = ", ";
    }
    if (m->params[2]) {
        fprintf(out, "%sasutus ", sep);
        ctl_html_text(out, m->params[2]);
    }
    fputs(".</p>\n", out);
}

static void heading(const struct ctl_matrix *m, FILE *out)
{
    fputs("<div class=\"frame\">\n<table>\n<thead>\n<tr><th scope=\"col\">Nimi</th><th scope=\"col\">Töökoht</th>",
          out);
    for (int r = 0; r < PQntuples(m->registers); r++) {
        const char *code = PQgetvalue(m->registers, r, MXR_CODE), *name = PQgetvalue(m->registers, r, MXR_NAME);
        int n = holders(m, code);
        fputs("<th scope=\"col\">", out);
        ctl_html_text(out, code);
        if (strcmp(code, name) != 0)
            ctl_html_element(out, "small", NULL, name);
        fprintf(out, "<small>%d %s</small></th>", n, many(n, "inimene", "inimest"));
    }
    fputs("</tr>\n</thead>\n<tbody>\n", out);
}

/* Institution, unit and position, those that there are. */
static void place(const struct ctl_matrix *m, int row, FILE *out)
{
    static const int parts[] = {MX_POSITION, MX_UNIT, MX_INSTITUTION};
    const char *sep = "";
    fputs("<td>", out);
    for (int i = 0; i < 3; i++) {
        const char *value = PQgetvalue(m->cells, row, parts[i]);
        if (!*value)
            continue;
        fputs(sep, out);
        ctl_html_text(out, value);
        sep = "\n";
    }
    fputs("</td>", out);
}

static void person(const struct ctl_matrix *m, int from, int to, FILE *out)
{
    struct pl_buf b = {0};
    fputs("<tr><th scope=\"row\">", out);
    ctl_html_text(out, PQgetvalue(m->cells, from, MX_NAME));
    ctl_html_element(out, "small", NULL, PQgetvalue(m->cells, from, MX_NUMBER));
    fputs("</th>", out);
    place(m, from, out);
    for (int r = 0; r < PQntuples(m->registers); r++) {
        const char *code = PQgetvalue(m->registers, r, MXR_CODE);
        bool privileged;
        if (ctl_matrix_cell(m, from, to, code, &b, &privileged) == 0) {
            fputs("<td></td>", out);
            continue;
        }
        fputs(privileged ? "<td class=\"privileged\">" : "<td>", out);
        ctl_html_element(out, "span", "class=\"code\"", code); /* for the filter */
        fputs(" ", out);
        ctl_html_text(out, b.s);
        fputs("</td>", out);
    }
    fputs("</tr>\n", out);
    pl_buf_free(&b);
}

void ctl_matrix_html(const struct ctl_matrix *m, FILE *out)
{
    fputs(head, out);
    about(m, out);
    fputs(legend, out);
    heading(m, out);
    for (int from = 0, to; from < PQntuples(m->cells); from = to) {
        to = ctl_matrix_next(m, from);
        person(m, from, to, out);
    }
    fputs("</tbody>\n</table>\n</div>\n<script>" SCRIPT "</script>\n</body>\n</html>\n", out);
}
