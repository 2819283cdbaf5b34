# SPDX-License-Identifier: GPL-2.0
# Completion for tw. What there is to complete comes from tw's own help, so
# nothing is listed here twice: commands, their options, and by the words in
# capitals what follows them.
#
# bash reads this file. Other shells run it with the words behind tw, the last of
# which is being typed, and get what may be meant by that, a line each.

# The commands of a list: two spaces, a name, its help.
_tw_commands() {
	tw help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p'
}

_tw_subcommands() {
	tw help "$1" 2>/dev/null | sed -n "s/.* tw $1 \([a-z][a-z]*\).*/\1/p"
}

# What stands for a word in capitals.
_tw_values() {
	case $1 in
	*TIER*) echo gpu cpu nvme ssd hdd ;;
	*LEVEL*) echo low medium high critical ;;
	*WHEN*) echo auto always never ;;
	*EVENT*) echo all fault migrate pressure limit tier-bound tier-unbound \
		tier-error agent-created agent-ended request ;;
	esac
}

_tw_reply() {
	local word

	# Words of our own making, without spaces: splitting them is meant.
	# shellcheck disable=SC2207
	COMPREPLY+=($(compgen -W "$1" -- "$2"))
	for word in "${COMPREPLY[@]}"; do
		[[ $word == *= ]] && compopt -o nospace 2>/dev/null
	done
	return 0
}

_tw_files() {
	compopt -o filenames 2>/dev/null
	mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$1")
}

# The word in capitals that follows option $2 in help $1; empty: none.
_tw_takes() {
	sed -n "s/.*$2[ =]\[*\([A-Z][A-Z]*\).*/\1/p" <<<"$1" | head -n 1
}

_tw_complete_value() {
	local values

	values=$(_tw_values "$1")
	case $1 in
	PATH | FILE | DEV | DIR | PICTURE) _tw_files "$2" ;;
	*) _tw_reply "$values" "$2" ;;
	esac
}

# Arguments that are no options: tiers first, then files or keys.
_tw_complete_argument() {
	local text=$1 given=$2 cur=$3 usage

	usage=$(sed -n '/^usage:/,/^[^ u]/p' <<<"$text" |
		sed 's/--[a-z-]*[ =]\[*[A-Z][A-Z,.]*//g')
	if [[ $usage == *KEY=VALUE* ]]; then
		_tw_reply "$(sed -n 's/^  \([a-z_]*=\).*/\1/p' <<<"$text")" "$cur"
	elif [[ $usage == *TIER=* ]]; then
		_tw_reply "$(_tw_values TIER | sed 's/\>/=/g')" "$cur"
	elif [[ $usage == *TIER* && $given != *tier* ]]; then
		_tw_reply "$(_tw_values TIER)" "$cur"
	elif [[ $usage == *LEVEL* ]]; then
		_tw_reply "$(_tw_values LEVEL)" "$cur"
	elif [[ $usage =~ (DEV|FILE|PATH) ]]; then
		_tw_files "$cur"
	fi
}

_tw() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local i word verb="" sub="" given="" option="" text takes subs="" rest=0
	local global="--json --human --color= --device --help --version"

	COMPREPLY=()
	# Readline makes --color=x three words.
	if [[ $cur == = ]]; then
		option=$prev cur=""
	elif [[ $prev == = ]]; then
		option=${COMP_WORDS[COMP_CWORD - 2]}
	elif [[ $prev == -* ]]; then
		option=$prev
	fi
	if [[ $option == --color ]]; then
		_tw_reply "$(_tw_values WHEN)" "$cur"
		return
	fi
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		--device) ((i++)) ;;
		--)
			rest=$((i + 1))
			break
			;;
		-* | =) ;;
		*)
			# What an option takes; or else it does no harm.
			if [[ ${COMP_WORDS[i - 1]} == = ||
				-n $verb && ${COMP_WORDS[i - 1]} == --* ]]; then
				continue
			elif [[ -z $verb ]]; then
				verb=$word
				subs=$(_tw_subcommands "$verb")
			elif [[ -n $subs && -z $sub ]]; then
				sub=$word
			elif [[ " gpu cpu nvme ssd hdd " == *" $word "* ]]; then
				given+=" tier"
			fi
			;;
		esac
	done
	# What is behind -- is a command of its own.
	if [[ $verb == run && $rest -gt 0 ]]; then
		if ((COMP_CWORD == rest)); then
			mapfile -t COMPREPLY < <(compgen -c -- "$cur" | sort -u)
		else
			_tw_files "$cur"
		fi
		return
	fi
	if [[ -z $verb ]]; then
		if [[ $option == --device ]]; then
			_tw_files "$cur"
		elif [[ $cur == -* ]]; then
			_tw_reply "$global" "$cur"
		else
			_tw_reply "$(_tw_commands)" "$cur"
		fi
		return
	fi
	if [[ $verb == help ]]; then
		_tw_reply "$(_tw_commands)" "$cur"
		return
	fi
	if [[ -n $subs && -z $sub ]]; then
		_tw_reply "$subs --help" "$cur"
		return
	fi
	# shellcheck disable=SC2086 -- no subcommand is no word
	text=$(tw help "$verb" $sub 2>/dev/null)
	takes=""
	[[ -n $option ]] && takes=$(_tw_takes "$text" "$option")
	if [[ -n $takes ]]; then
		_tw_complete_value "$takes" "$cur"
	elif [[ $cur == -* ]]; then
		_tw_reply "$(grep -o -- '--[a-z][a-z-]*' <<<"$text" | sort -u |
			tr '\n' ' ') --human --color= --help" "$cur"
	else
		_tw_complete_argument "$text" "$given" "$cur"
	fi
}

# As readline has them: an = is a word. What is before it stays before what is
# offered, and a folder ends with /.
_tw_offer() {
	local word before=""

	COMP_WORDS=(tw)
	for word; do
		before=""
		while [[ $word == *=* ]]; do
			COMP_WORDS+=("${word%%=*}" =)
			before+=${word%%=*}=
			word=${word#*=}
		done
		[[ -n $before && -z $word ]] || COMP_WORDS+=("$word")
	done
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_tw
	for word in "${COMPREPLY[@]}"; do
		[[ -d $word ]] && word+=/
		printf '%s\n' "$before$word"
	done
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
	_tw_offer "$@"
else
	complete -F _tw tw
fi
