# SPDX-License-Identifier: Apache-2.0
# Blank out comments and the insides of strings and character constants of C, keeping lines.
{
    line = $0
    out = ""
    n = length(line)
    for (i = 1; i <= n; i++) {
        c = substr(line, i, 1)
        two = substr(line, i, 2)
        if (in_comment) {
            if (two == "*/") {
                in_comment = 0
                i++
            }
        } else if (quote != "") {
            if (c == "\\")
                i++
            else if (c == quote) {
                quote = ""
                out = out c
            }
        } else if (two == "/*") {
            in_comment = 1
            out = out " "
            i++
        } else if (two == "//") {
            out = out "//"
            break
        } else {
            if (c == "\"" || c == "'")
                quote = c
            out = out c
        }
    }
    if (substr(line, n, 1) != "\\")
        quote = ""
    print out
}
