# cc-fleet in bash: made from its commands by `nox -s generate` with shtab; `cc-fleet completion --help` says where it goes.

_shtab_cc_fleet_policy_subparsers=(lint show init schema waive)
_shtab_cc_fleet_subparsers=(apply audit completion demo explain facts plan policy rollback versions)

_shtab_cc_fleet_apply_option_strings=(-h --help --root --dry-run --yes --tarballs --registry --vsix --policy --group --format --color --fail-on -v --verbose)
_shtab_cc_fleet_audit_option_strings=(-h --help --root --image --platform --verify --no-cache --repo --facts --probe --policy --policy-ref --no-ignore --changed-since --baseline --write-baseline --group --format --output --fail-on --exit-zero --if-nothing --color -q --quiet -v --verbose)
_shtab_cc_fleet_completion_option_strings=(-h --help)
_shtab_cc_fleet_demo_option_strings=(-h --help --color)
_shtab_cc_fleet_explain_option_strings=(-h --help --format --policy)
_shtab_cc_fleet_facts_option_strings=(-h --help --root --image --platform --verify --no-cache --probe --policy)
_shtab_cc_fleet_plan_option_strings=(-h --help --root --facts --repo --image --platform --verify --no-cache --out --detailed-exitcode --tarballs --registry --vsix --format --color --policy --policy-ref --no-ignore --group)
_shtab_cc_fleet_policy_lint_option_strings=(-h --help --format --policy)
_shtab_cc_fleet_policy_show_option_strings=(-h --help --format --policy)
_shtab_cc_fleet_policy_init_option_strings=(-h --help)
_shtab_cc_fleet_policy_schema_option_strings=(-h --help)
_shtab_cc_fleet_policy_waive_option_strings=(-h --help --until --reason --versions --target --owner --approved-by --ticket)
_shtab_cc_fleet_policy_option_strings=(-h --help)
_shtab_cc_fleet_rollback_option_strings=(-h --help --all --list --root --force --policy --format --color)
_shtab_cc_fleet_versions_option_strings=(-h --help --at --format --all --policy)
_shtab_cc_fleet_option_strings=(-h --help --version)

_shtab_cc_fleet_apply___root_COMPGEN=_shtab_compgen_dirs
_shtab_cc_fleet_apply___tarballs_COMPGEN=_shtab_compgen_dirs
_shtab_cc_fleet_apply___vsix_COMPGEN=_shtab_compgen_files
_shtab_cc_fleet_apply___policy_COMPGEN=_shtab_compgen_files
_shtab_cc_fleet_audit___root_COMPGEN=_shtab_compgen_dirs
_shtab_cc_fleet_audit___image_COMPGEN=_shtab_compgen_files
_shtab_cc_fleet_audit___repo_COMPGEN=_shtab_compgen_dirs
_shtab_cc_fleet_audit___facts_COMPGEN=_shtab_compgen_files
_shtab_cc_fleet_audit___policy_COMPGEN=_shtab_compgen_files
_shtab_cc_fleet_audit___baseline_COMPGEN=_shtab_compgen_files
_shtab_cc_fleet_explain___policy_COMPGEN=_shtab_compgen_files
_shtab_cc_fleet_facts___root_COMPGEN=_shtab_compgen_dirs
_shtab_cc_fleet_facts___image_COMPGEN=_shtab_compgen_files
_shtab_cc_fleet_facts___policy_COMPGEN=_shtab_compgen_files
_shtab_cc_fleet_plan___root_COMPGEN=_shtab_compgen_dirs
_shtab_cc_fleet_plan___facts_COMPGEN=_shtab_compgen_files
_shtab_cc_fleet_plan___repo_COMPGEN=_shtab_compgen_dirs
_shtab_cc_fleet_plan___image_COMPGEN=_shtab_compgen_files
_shtab_cc_fleet_plan___out_COMPGEN=_shtab_compgen_files
_shtab_cc_fleet_plan___tarballs_COMPGEN=_shtab_compgen_dirs
_shtab_cc_fleet_plan___vsix_COMPGEN=_shtab_compgen_files
_shtab_cc_fleet_plan___policy_COMPGEN=_shtab_compgen_files
_shtab_cc_fleet_policy_lint_pos_0_COMPGEN=_shtab_compgen_files
_shtab_cc_fleet_policy_lint___policy_COMPGEN=_shtab_compgen_files
_shtab_cc_fleet_policy_show_pos_0_COMPGEN=_shtab_compgen_files
_shtab_cc_fleet_policy_show___policy_COMPGEN=_shtab_compgen_files
_shtab_cc_fleet_policy_init_pos_0_COMPGEN=_shtab_compgen_files
_shtab_cc_fleet_policy_waive_pos_1_COMPGEN=_shtab_compgen_files
_shtab_cc_fleet_rollback___root_COMPGEN=_shtab_compgen_dirs
_shtab_cc_fleet_rollback___policy_COMPGEN=_shtab_compgen_files
_shtab_cc_fleet_versions___policy_COMPGEN=_shtab_compgen_files

_shtab_cc_fleet_apply___format_choices=(text json)
_shtab_cc_fleet_apply___color_choices=(auto always never)
_shtab_cc_fleet_apply___fail_on_choices=(error warning note)
_shtab_cc_fleet_audit___write_baseline_choices=(prune all)
_shtab_cc_fleet_audit___format_choices=(csv github gitlab html json junit markdown sarif text)
_shtab_cc_fleet_audit___fail_on_choices=(error warning note)
_shtab_cc_fleet_audit___if_nothing_choices=(fail pass)
_shtab_cc_fleet_audit___color_choices=(auto always never)
_shtab_cc_fleet_completion_pos_0_choices=(bash zsh fish)
_shtab_cc_fleet_demo___color_choices=(auto always never)
_shtab_cc_fleet_explain_pos_0_choices=(action-unpinned auto-update cli-broken cli-integrity cli-shadowed cli-unpinned cli-unpublished cli-version env-flag env-ineffective env-spelling extension-leftover extension-skew extension-unpinned extension-version gateway-client gateway-url gateway-version identity-baked known-issue pin-unresolved pins-disagree secret-exposed setting-value settings-ignored settings-invalid target-mismatch unreadable version-gate waiver-expired waiver-unused CCF-2026-0001 CCF-2026-0002 CCF-2026-0003 CCF-2026-0004 CCF-2026-0005 CCF-2026-0006 CCF-2026-0007 CCF-2026-0008 CCF-2026-0009 CCF-2026-0010 CCF-2026-0011 CCF-2026-0012 CCF-2026-0013 CCF-2026-0014 CCF-2026-0015 CCF-2026-0016 CCF-2026-0017 CCF-2026-0018 CCF-2026-0019 CCF-2026-0020 CCF-2026-0021 CCF-2026-0022 CCF-2026-0023 CCF-2026-0024 CCF-2026-0025 CCF-2026-0026 CCF-2026-0027 CCF-2026-0028 CCF-2026-0029 CCF-2026-0030 CCF-2026-0031 CCF-2026-0032 CCF-2026-0033 CCF-2026-0034 CCF-2026-0035 CCF-2026-0036 CCF-2026-0037 CCF-2026-0038 CCF-2026-0039 CCF-2026-0040 CCF-2026-0041 CCF-2026-0042 CCF-2026-0043 CCF-2026-0044 CCF-2026-0045 CCF-2026-0046 CCF-2026-0047 CCF-2026-0048 CCF-2026-0049 CCF-2026-0050 CCF-2026-0051 CCF-2026-0052 CCF-2026-0053 CCF-2026-0054 CCF-2026-0055 CCF-2026-0056 CCF-2026-0057 CCF-2026-0058 CCF-2026-0059 CCF-2026-0060 CCF-2026-0061 CCF-2026-0062 CCF-2026-0063 CCF-2026-0064 CCF-2026-0065 CCF-2026-0066 CCF-2026-0067 CCF-2026-0068 CCF-2026-0069 CCF-2026-0070 CCF-2026-0071 CCF-2026-0072 CCF-2026-0073 CCF-2026-0074 CCF-2026-0075 CCF-2026-0076 CCF-2026-0077 CCF-2026-0078 CCF-2026-0079 CCF-2026-0080 CCF-2026-0081 CCF-2026-0082 CCF-2026-0083 CCF-2026-0084 CCF-2026-0085 CCF-2026-0086 CCF-2026-0087 CCF-2026-0088 CCF-2026-0089 CCF-2026-0090 CCF-2026-0091 CCF-2026-0092 CCF-2026-0093 CCF-2026-0094 CCF-2026-0095 CCF-2026-0096 CCF-2026-0097 CCF-2026-0098 CCF-2026-0099 CCF-2026-0100 CCF-2026-0101 CCF-2026-0102 CCF-2026-0103 CCF-2026-0104 CCF-2026-0105 CCF-2026-0106 CCF-2026-0107 CCF-2026-0108 CCF-2026-0109 CCF-2026-0110 CCF-2026-0111 CCF-2026-0112 CCF-2026-0113 CCF-2026-0114 CCF-2026-0115 CCF-2026-0116 CCF-2026-0117 CCF-2026-0118 CCF-2026-0119 CCF-2026-0120 CCF-2026-0121 CCF-2026-0122 CCF-2026-0123 CCF-2026-0124 CCF-2026-0125 CCF-2026-0126 CCF-2026-0127 CCF-2026-0128 CCF-2026-0129 CCF-2026-0130 CCF-2026-0131 CCF-2026-0132 CCF-2026-0133 CCF-2026-0134 CCF-2026-0135 CCF-2026-0136 CCF-2026-0137 CCF-2026-0138 CCF-2026-0139 CCF-2026-0140 CCF-2026-0141 CCF-2026-0142 CCF-2026-0143 CCF-2026-0144 CCF-2026-0145 CCF-2026-0146 CCF-2026-0147 CCF-2026-0148 CCF-2026-0149 CCF-2026-0150 CCF-2026-0151 CCF-2026-0152 CCF-2026-0153 CCF-2026-0154 CCF-2026-0155 CCF-2026-0156 CCF-2026-0157 CCF-2026-0158 CCF-2026-0159 CCF-2026-0160 CCF-2026-0161 CCF-2026-0162 CCF-2026-0163 CCF-2026-0164 CCF-2026-0165 CCF-2026-0166 CCF-2026-0167 CCF-2026-0168 CCF-2026-0169 CCF-2026-0170 CCF-2026-0171 CCF-2026-0172 CCF-2026-0173 CCF-2026-0174 CCF-2026-0175 CCF-2026-0176 CCF-2026-0177 CCF-2026-0178 CCF-2026-0179 CCF-2026-0180 CCF-2026-0181 CCF-2026-0182 CCF-2026-0183 CCF-2026-0184 CCF-2026-0185 CCF-2026-0186 CCF-2026-0187)
_shtab_cc_fleet_explain___format_choices=(text json)
_shtab_cc_fleet_plan___format_choices=(text json)
_shtab_cc_fleet_plan___color_choices=(auto always never)
_shtab_cc_fleet_policy_lint___format_choices=(text json)
_shtab_cc_fleet_policy_show___format_choices=(text json)
_shtab_cc_fleet_policy_waive_pos_0_choices=(action-unpinned auto-update cli-broken cli-integrity cli-shadowed cli-unpinned cli-unpublished cli-version env-flag env-ineffective env-spelling extension-leftover extension-skew extension-unpinned extension-version gateway-client gateway-url gateway-version identity-baked known-issue pin-unresolved pins-disagree secret-exposed setting-value settings-ignored settings-invalid target-mismatch unreadable version-gate waiver-expired waiver-unused)
_shtab_cc_fleet_policy_pos_0_choices=(lint show init schema waive)
_shtab_cc_fleet_rollback___format_choices=(text json)
_shtab_cc_fleet_rollback___color_choices=(auto always never)
_shtab_cc_fleet_versions___format_choices=(text json)
_shtab_cc_fleet_pos_0_choices=(apply audit completion demo explain facts plan policy rollback versions)

_shtab_cc_fleet_apply__h_nargs=0
_shtab_cc_fleet_apply___help_nargs=0
_shtab_cc_fleet_apply___dry_run_nargs=0
_shtab_cc_fleet_apply___yes_nargs=0
_shtab_cc_fleet_apply__v_nargs=0
_shtab_cc_fleet_apply___verbose_nargs=0
_shtab_cc_fleet_audit__h_nargs=0
_shtab_cc_fleet_audit___help_nargs=0
_shtab_cc_fleet_audit___verify_nargs=0
_shtab_cc_fleet_audit___no_cache_nargs=0
_shtab_cc_fleet_audit___probe_nargs=0
_shtab_cc_fleet_audit___no_ignore_nargs=0
_shtab_cc_fleet_audit___exit_zero_nargs=0
_shtab_cc_fleet_audit__q_nargs=0
_shtab_cc_fleet_audit___quiet_nargs=0
_shtab_cc_fleet_audit__v_nargs=0
_shtab_cc_fleet_audit___verbose_nargs=0
_shtab_cc_fleet_completion__h_nargs=0
_shtab_cc_fleet_completion___help_nargs=0
_shtab_cc_fleet_demo__h_nargs=0
_shtab_cc_fleet_demo___help_nargs=0
_shtab_cc_fleet_explain__h_nargs=0
_shtab_cc_fleet_explain___help_nargs=0
_shtab_cc_fleet_facts__h_nargs=0
_shtab_cc_fleet_facts___help_nargs=0
_shtab_cc_fleet_facts___verify_nargs=0
_shtab_cc_fleet_facts___no_cache_nargs=0
_shtab_cc_fleet_facts___probe_nargs=0
_shtab_cc_fleet_plan__h_nargs=0
_shtab_cc_fleet_plan___help_nargs=0
_shtab_cc_fleet_plan___verify_nargs=0
_shtab_cc_fleet_plan___no_cache_nargs=0
_shtab_cc_fleet_plan___detailed_exitcode_nargs=0
_shtab_cc_fleet_plan___no_ignore_nargs=0
_shtab_cc_fleet_policy_lint_pos_0_nargs='*'
_shtab_cc_fleet_policy_lint__h_nargs=0
_shtab_cc_fleet_policy_lint___help_nargs=0
_shtab_cc_fleet_policy_show_pos_0_nargs='*'
_shtab_cc_fleet_policy_show__h_nargs=0
_shtab_cc_fleet_policy_show___help_nargs=0
_shtab_cc_fleet_policy_init_pos_0_nargs='*'
_shtab_cc_fleet_policy_init__h_nargs=0
_shtab_cc_fleet_policy_init___help_nargs=0
_shtab_cc_fleet_policy_schema__h_nargs=0
_shtab_cc_fleet_policy_schema___help_nargs=0
_shtab_cc_fleet_policy_waive__h_nargs=0
_shtab_cc_fleet_policy_waive___help_nargs=0
_shtab_cc_fleet_policy_pos_0_nargs=A...
_shtab_cc_fleet_policy__h_nargs=0
_shtab_cc_fleet_policy___help_nargs=0
_shtab_cc_fleet_rollback__h_nargs=0
_shtab_cc_fleet_rollback___help_nargs=0
_shtab_cc_fleet_rollback___all_nargs=0
_shtab_cc_fleet_rollback___list_nargs=0
_shtab_cc_fleet_rollback___force_nargs=0
_shtab_cc_fleet_versions__h_nargs=0
_shtab_cc_fleet_versions___help_nargs=0
_shtab_cc_fleet_versions___all_nargs=0
_shtab_cc_fleet_pos_0_nargs=A...
_shtab_cc_fleet__h_nargs=0
_shtab_cc_fleet___help_nargs=0
_shtab_cc_fleet___version_nargs=0


# $1=COMP_WORDS[1]
_shtab_compgen_files() {
  compgen -f -- $1  # files
}

# $1=COMP_WORDS[1]
_shtab_compgen_dirs() {
  compgen -d -- $1  # recurse into subdirs
}

# $1=COMP_WORDS[1]
_shtab_replace_nonword() {
  echo "${1//[^[:word:]]/_}"
}

# set default values (called for the initial parser & any subparsers)
_set_parser_defaults() {
  local subparsers_var="${prefix}_subparsers[@]"
  sub_parsers=${!subparsers_var-}

  local current_option_strings_var="${prefix}_option_strings[@]"
  current_option_strings=${!current_option_strings_var}

  completed_positional_actions=0

  _set_new_action "pos_$completed_positional_actions" true
}

# $1=action identifier
# $2=positional action (bool)
# set all identifiers for an action's parameters
_set_new_action() {
  current_action="${prefix}_$(_shtab_replace_nonword $1)"

  local current_action_compgen_var=${current_action}_COMPGEN
  current_action_compgen="${!current_action_compgen_var-}"

  local current_action_choices_var="${current_action}_choices[@]"
  current_action_choices="${!current_action_choices_var-}"

  local current_action_nargs_var="${current_action}_nargs"
  if [ -n "${!current_action_nargs_var-}" ]; then
    current_action_nargs="${!current_action_nargs_var}"
  else
    current_action_nargs=1
  fi

  current_action_args_start_index=$(( $word_index + 1 - $pos_only ))

  current_action_is_positional=$2
}

# Notes:
# `COMPREPLY`: what will be rendered after completion is triggered
# `completing_word`: currently typed word to generate completions for
# `${!var}`: evaluates the content of `var` and expand its content as a variable
#     hello="world"
#     x="hello"
#     ${!x} -> ${hello} -> "world"
_shtab_cc_fleet() {
  local completing_word="${COMP_WORDS[COMP_CWORD]}"
  local previous_word="${COMP_WORDS[COMP_CWORD-1]}"
  local completed_positional_actions
  local current_action
  local current_action_args_start_index
  local current_action_choices
  local current_action_compgen
  local current_action_is_positional
  local current_action_nargs
  local current_option_strings
  local sub_parsers
  COMPREPLY=()

  local prefix=_shtab_cc_fleet
  local word_index=0
  local pos_only=0 # "--" delimiter not encountered yet
  _set_parser_defaults
  word_index=1

  # determine what arguments are appropriate for the current state
  # of the arg parser
  while [ $word_index -ne $COMP_CWORD ]; do
    local this_word="${COMP_WORDS[$word_index]}"

    if [[ $pos_only = 1 || " $this_word " != " -- " ]]; then
      if [[ -n $sub_parsers && " ${sub_parsers[@]} " == *" $this_word "* ]]; then
        # valid subcommand: add it to the prefix & reset the current action
        prefix="${prefix}_$(_shtab_replace_nonword $this_word)"
        _set_parser_defaults
      fi

      if [[ " ${current_option_strings[@]} " == *" $this_word "* ]]; then
        # a new action should be acquired (due to recognised option string or
        # no more input expected from current action);
        # the next positional action can fill in here
        _set_new_action $this_word false
      fi

      if [[ "$current_action_nargs" != "*" ]] && \
         [[ "$current_action_nargs" != "+" ]] && \
         [[ "$current_action_nargs" != "?" ]] && \
         [[ "$current_action_nargs" != *"..." ]] && \
         (( $word_index + 1 - $current_action_args_start_index - $pos_only >= \
            $current_action_nargs )); then
        $current_action_is_positional && let "completed_positional_actions += 1"
        _set_new_action "pos_$completed_positional_actions" true
      fi
    else
      pos_only=1 # "--" delimiter encountered
    fi

    let "word_index+=1"
  done

  # Generate the completions

  COMPREPLY=()
  if [[ $pos_only = 0 && "$completing_word" == -* &&
        ( -z "$current_action_compgen" || "$current_action_is_positional" = true ) ]]; then
    # optional argument started: use option strings
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
      compgen -W "${current_option_strings[*]}" -- "$completing_word")
  elif [[ "$previous_word" =~ ^[0-9\&]*[\<\>]\>?$ ]]; then
    # handle redirection operators
    compopt -o filenames 2>/dev/null || : # bash>=4
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$completing_word")
  else
    # use choices & compgen
    local action_compgen_word="$completing_word"
    # handle tab-completing in the middle of a line (#248 <- #116)
    [[ -n "$current_action_compgen" && "$completing_word" == -* ]] && action_compgen_word=""
    [ -n "$current_action_compgen" ] && {
      [[ "$current_action_compgen" =~ _(file|dir|glob|FILE|DIR|GLOB)|File|Dir|Glob ]] &&
        compopt -o filenames 2>/dev/null || : # bash>=4
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
        "$current_action_compgen" "$action_compgen_word")
    }
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
      compgen -W "${current_action_choices[*]}" -- "$completing_word")
  fi

  if [[ ${#COMPREPLY[@]} = 0 ]]; then
    # native fallback matches are not necessarily filenames (e.g. variables)
    compopt +o filenames 2>/dev/null || : # bash>=4
  fi

  return 0
}

complete -o bashdefault -F _shtab_cc_fleet cc-fleet
