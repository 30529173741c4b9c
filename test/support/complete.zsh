# zsh -f complete.zsh SCRIPT LINE: types the line and a tab into an interactive zsh, and prints what completion offers.
zmodload zsh/zpty zsh/zselect
folder=$(mktemp -d)
mkdir $folder/empty
zpty shell zsh -f -i
zpty -w shell "PS1= ; autoload -Uz compinit; compinit -u -D; source ${(q)1}; cd $folder/empty"
zpty -w shell 'offer() { compadd() { local -a seen; builtin compadd -O seen "$@"; (( $#seen )) && print -rl -- $seen >> ../offered; builtin compadd "$@" }; _main_complete; : > ../done }'
zpty -w shell 'zle -C offer complete-word offer; bindkey "^I" offer; : > ../ready'
until [[ -e $folder/ready ]]; do zselect -t 2; done
zpty -w -n shell $2$'\t'
until [[ -e $folder/done ]]; do zselect -t 2; done
[[ -e $folder/offered ]] && cat $folder/offered
zpty -d shell
rm -r $folder
