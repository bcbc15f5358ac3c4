# C without its comments, as FILE:LINE:CODE. Literals are blanked too with -v literals=blank; with -v literals=only
# nothing but the insides of string literals is left.
function put(c, inside) {
    if (literals == "only" ? inside : (!inside || literals != "blank"))
        code = code c
    else if (literals != "only")
        code = code " "
}
FNR == 1 { mode = "" }
{
    code = ""
    n = length($0)
    for (i = 1; i <= n; i++) {
        c = substr($0, i, 1)
        two = substr($0, i, 2)
        if (mode == "/*") {
            if (two == "*/") { mode = ""; i++ }
        } else if (mode == "\"" || mode == "'") {
            if (c == "\\") { put(c, 1); i++; put(substr($0, i, 1), 1) }
            else if (c == mode) { put(c, 0); mode = "" }
            else put(c, 1)
        } else if (two == "/*") { mode = "/*"; i++ }
        else if (two == "//") break
        else {
            if (c == "\"" || c == "'") mode = c
            put(c, 0)
        }
    }
    if (mode == "'" || (mode == "\"" && substr($0, n, 1) != "\\"))
        mode = ""
    print FILENAME ":" FNR ":" code
}
