#compdef tw
# SPDX-License-Identifier: GPL-2.0
# zsh completion for tw: what bash's offers, which knows tw's help.

local -a offered open
offered=(${(f)"$(bash @COMPLETION@ "${(@)words[2,CURRENT]}" 2>/dev/null)"})
# Something follows these at once.
open=(${(M)offered:#*[=/]})
compadd -S '' -a open
offered=(${offered:#*[=/]})
compadd -a offered
