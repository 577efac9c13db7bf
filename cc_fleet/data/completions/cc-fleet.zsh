#compdef cc-fleet

# cc-fleet in zsh: made from its commands by `nox -s generate` with shtab; `cc-fleet completion --help` says where it goes.


_shtab_cc_fleet_commands() {
  local _commands=(
    audit:'Judge this machine, a file tree or saved facts by a policy'
    completion:'Print a script that completes commands, options and values in a shell'
    demo:'Audit a sample laptop and repository that it makes in a temporary folder'
    explain:'Explain a check or an advisory: what it is, why it matters, what helps, how it is known'
    facts:'Print what was read, as JSON (cc-fleet/facts/1)'
    policy:'Check, show, start or change a policy file, or print its JSON Schema'
    versions:'List the published CLI versions that the policy allows, and what staying at one costs'
  )
  _describe 'cc-fleet commands' _commands
}

_shtab_cc_fleet_policy_commands() {
  local _commands=(
    init:'A policy to start from, written to FILE or printed.'
    lint:'Everything that is wrong in policy files and their own advisories, with file:line:col.'
    schema:'The JSON Schema of policy files, for editors.'
    show:'The policy that judges here, with all that it extends.'
    waive:'Add a waiver to a policy file, which keeps its comments.'
  )
  _describe 'cc-fleet policy commands' _commands
}

_shtab_cc_fleet_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "(- : *)--version[show program\'s version number and exit]"
)

# guard to ensure default positional specs are added only once per session
_shtab_cc_fleet_defaults_added=0

_shtab_cc_fleet_audit_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "*--root[judge the system that lies below DIR\; repeatable]:DIR:_files -/"
  "*--facts[judge saved facts\: a file, a folder of \*.json, or - \; repeatable]:PATH:_files"
  "*--policy[judge by this policy, a file or a packaged name\; repeatable, each adds to those before (default\: \$CC_FLEET_POLICY, \/etc\/cc-fleet\/policy.yaml, the packaged default)]:FILE:_files"
  "*--group[the targets are in this group, besides those that facts and policy tell\; repeatable]:NAME:"
  "--format[one of json, text (default\: text)]:NAME:(json text)"
  "*--output[write this format to a file as well\; repeatable]:NAME=FILE:"
  "--fail-on[the least severity that gives exit code 1 (default\: error)]:fail_on:(error warning note)"
  "--exit-zero[exit with 0 whatever is found]"
  "--if-nothing[exit with 3 or 0 where there is nothing of Claude Code (default\: fail)]:if_nothing:(fail pass)"
  "--color[color]:color:(auto always never)"
  {-q,--quiet}"[print nothing\; the exit code tells]"
  {-v,--verbose}"[show how every value in force came about]"
)

# guard to ensure default positional specs are added only once per session
_shtab_cc_fleet_audit_defaults_added=0

_shtab_cc_fleet_completion_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  ":shell:(bash zsh fish)"
)

# guard to ensure default positional specs are added only once per session
_shtab_cc_fleet_completion_defaults_added=0

_shtab_cc_fleet_demo_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--color[color]:color:(auto always never)"
)

# guard to ensure default positional specs are added only once per session
_shtab_cc_fleet_demo_defaults_added=0

_shtab_cc_fleet_explain_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--format[format]:format:(text json)"
  "*--policy[judge by this policy, a file or a packaged name\; repeatable, each adds to those before (default\: \$CC_FLEET_POLICY, \/etc\/cc-fleet\/policy.yaml, the packaged default)]:FILE:_files"
  ":such as env-flag or CCF-2026-0001:(auto-update cli-broken cli-integrity cli-shadowed cli-unpublished cli-version env-flag env-ineffective env-spelling extension-leftover extension-skew extension-unpinned extension-version gateway-client gateway-url gateway-version known-issue secret-exposed setting-value settings-ignored settings-invalid unreadable version-gate waiver-expired waiver-unused CCF-2026-0001 CCF-2026-0002 CCF-2026-0003 CCF-2026-0004 CCF-2026-0005 CCF-2026-0006 CCF-2026-0007 CCF-2026-0008 CCF-2026-0009 CCF-2026-0010 CCF-2026-0011 CCF-2026-0012 CCF-2026-0013 CCF-2026-0014 CCF-2026-0015 CCF-2026-0016 CCF-2026-0017 CCF-2026-0018 CCF-2026-0019 CCF-2026-0020 CCF-2026-0021 CCF-2026-0022 CCF-2026-0023 CCF-2026-0024 CCF-2026-0025 CCF-2026-0026 CCF-2026-0027 CCF-2026-0028)"
)

# guard to ensure default positional specs are added only once per session
_shtab_cc_fleet_explain_defaults_added=0

_shtab_cc_fleet_facts_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--root[read the system that lies below DIR]:DIR:_files -/"
  "*--policy[judge by this policy, a file or a packaged name\; repeatable, each adds to those before (default\: \$CC_FLEET_POLICY, \/etc\/cc-fleet\/policy.yaml, the packaged default)]:FILE:_files"
)

# guard to ensure default positional specs are added only once per session
_shtab_cc_fleet_facts_defaults_added=0

_shtab_cc_fleet_policy_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
)

# guard to ensure default positional specs are added only once per session
_shtab_cc_fleet_policy_defaults_added=0

_shtab_cc_fleet_policy_init_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "(*)::FILE:_files"
)

# guard to ensure default positional specs are added only once per session
_shtab_cc_fleet_policy_init_defaults_added=0

_shtab_cc_fleet_policy_lint_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "*--policy[judge by this policy, a file or a packaged name\; repeatable, each adds to those before (default\: \$CC_FLEET_POLICY, \/etc\/cc-fleet\/policy.yaml, the packaged default)]:FILE:_files"
  "(*)::FILE:_files"
)

# guard to ensure default positional specs are added only once per session
_shtab_cc_fleet_policy_lint_defaults_added=0

_shtab_cc_fleet_policy_schema_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
)

# guard to ensure default positional specs are added only once per session
_shtab_cc_fleet_policy_schema_defaults_added=0

_shtab_cc_fleet_policy_show_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--format[format]:format:(text json)"
  "*--policy[judge by this policy, a file or a packaged name\; repeatable, each adds to those before (default\: \$CC_FLEET_POLICY, \/etc\/cc-fleet\/policy.yaml, the packaged default)]:FILE:_files"
  "(*)::FILE:_files"
)

# guard to ensure default positional specs are added only once per session
_shtab_cc_fleet_policy_show_defaults_added=0

_shtab_cc_fleet_policy_waive_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--until[the last day, such as 2027-01-31 (UTC)]:DATE:"
  "--reason[why, as reports show it]:TEXT:"
  "--versions[excuse these versions only]:RANGE:"
  "*--target[a machine\'s name or id, or group\:NAME\; repeatable (default\: all)]:NAME:"
  "--owner[who answers for it]:WHO:"
  "--approved-by[who agreed]:WHO:"
  "--ticket[where that stands]:ID:"
  ":the check, or the advisory (CCF-\…), whose findings are excused:(auto-update cli-broken cli-integrity cli-shadowed cli-unpublished cli-version env-flag env-ineffective env-spelling extension-leftover extension-skew extension-unpinned extension-version gateway-client gateway-url gateway-version known-issue secret-exposed setting-value settings-ignored settings-invalid unreadable version-gate waiver-expired waiver-unused)"
  ":the policy file (default\: the policy that judges here):_files"
)

# guard to ensure default positional specs are added only once per session
_shtab_cc_fleet_policy_waive_defaults_added=0

_shtab_cc_fleet_versions_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--at[tell what staying at this version costs]:VERSION:"
  "--format[format]:format:(text json)"
  "--all[every version, a line each, and all that staying costs]"
  "*--policy[judge by this policy, a file or a packaged name\; repeatable, each adds to those before (default\: \$CC_FLEET_POLICY, \/etc\/cc-fleet\/policy.yaml, the packaged default)]:FILE:_files"
)

# guard to ensure default positional specs are added only once per session
_shtab_cc_fleet_versions_defaults_added=0


_shtab_cc_fleet() {
  local context state line curcontext="$curcontext" one_or_more='(*)' remainder='(-)*:' default='*::: :->cc-fleet'

  # Add default positional/remainder specs only if none exist, and only once per session
  if (( ! _shtab_cc_fleet_defaults_added )); then
    if (( ${_shtab_cc_fleet_options[(I)${(q)one_or_more}*]} +          ${_shtab_cc_fleet_options[(I)${(q)remainder}*]} +          ${_shtab_cc_fleet_options[(I)${(q)default}]} == 0 )); then
      _shtab_cc_fleet_options+=(': :_shtab_cc_fleet_commands' '*::: :->cc-fleet')
    fi
    _shtab_cc_fleet_defaults_added=1
  fi
  _arguments -C -s $_shtab_cc_fleet_options

  case $state in
    cc-fleet)
      words=($line[1] "${words[@]}")
      (( CURRENT += 1 ))
      curcontext="${curcontext%:*:*}:_shtab_cc_fleet-$line[1]:"
      case $line[1] in
        audit) _arguments -C -s $_shtab_cc_fleet_audit_options ;;
        completion) _arguments -C -s $_shtab_cc_fleet_completion_options ;;
        demo) _arguments -C -s $_shtab_cc_fleet_demo_options ;;
        explain) _arguments -C -s $_shtab_cc_fleet_explain_options ;;
        facts) _arguments -C -s $_shtab_cc_fleet_facts_options ;;
        policy) _shtab_cc_fleet_policy ;;
        versions) _arguments -C -s $_shtab_cc_fleet_versions_options ;;
      esac
  esac
}

_shtab_cc_fleet_policy() {
  local context state line curcontext="$curcontext" one_or_more='(*)' remainder='(-)*:' default='*::: :->policy'

  # Add default positional/remainder specs only if none exist, and only once per session
  if (( ! _shtab_cc_fleet_policy_defaults_added )); then
    if (( ${_shtab_cc_fleet_policy_options[(I)${(q)one_or_more}*]} +          ${_shtab_cc_fleet_policy_options[(I)${(q)remainder}*]} +          ${_shtab_cc_fleet_policy_options[(I)${(q)default}]} == 0 )); then
      _shtab_cc_fleet_policy_options+=(': :_shtab_cc_fleet_policy_commands' '*::: :->policy')
    fi
    _shtab_cc_fleet_policy_defaults_added=1
  fi
  _arguments -C -s $_shtab_cc_fleet_policy_options

  case $state in
    policy)
      words=($line[1] "${words[@]}")
      (( CURRENT += 1 ))
      curcontext="${curcontext%:*:*}:_shtab_cc_fleet_policy-$line[1]:"
      case $line[1] in
        init) _arguments -C -s $_shtab_cc_fleet_policy_init_options ;;
        lint) _arguments -C -s $_shtab_cc_fleet_policy_lint_options ;;
        schema) _arguments -C -s $_shtab_cc_fleet_policy_schema_options ;;
        show) _arguments -C -s $_shtab_cc_fleet_policy_show_options ;;
        waive) _arguments -C -s $_shtab_cc_fleet_policy_waive_options ;;
      esac
  esac
}



typeset -A opt_args

if [[ $zsh_eval_context[-1] == eval ]]; then
  # eval/source/. command, register function for later
  compdef _shtab_cc_fleet -N cc-fleet
else
  # autoload from fpath, call function directly
  _shtab_cc_fleet "$@"
fi
