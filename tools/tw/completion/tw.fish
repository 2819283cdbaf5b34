# SPDX-License-Identifier: GPL-2.0
# fish completion for tw: what bash's offers, which knows tw's help.

function __tw_offered
	set -l words (commandline -opc) (commandline -ct)
	bash @COMPLETION@ $words[2..] 2>/dev/null
end

complete -c tw -f -a '(__tw_offered)'
