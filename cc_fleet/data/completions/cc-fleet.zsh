#compdef cc-fleet

# cc-fleet in zsh: made from its commands by `nox -s generate` with shtab; `cc-fleet completion --help` says where it goes.


_shtab_cc_fleet_commands() {
  local _commands=(
    apply:'Put this machine right: exactly as a saved plan says, or as one that is shown first'
    audit:'Judge this machine, a file tree, an image, a repository or saved facts by a policy'
    completion:'Print a script that completes commands, options and values in a shell'
    demo:'Audit a sample laptop, image and repository that it makes in a temporary folder'
    explain:'Explain a check or an advisory: what it is, why it matters, what helps, how it is known'
    facts:'Print what was read, as JSON (cc-fleet/facts/1)'
    plan:'Show what would put this machine right, or a repository or image; nothing is changed'
    policy:'Check, show, start or change a policy file, or print its JSON Schema'
    rollback:'Take back what `cc-fleet apply` did: the last run, one by its name, or all of them'
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

_shtab_cc_fleet_apply_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--root[change the system that lies below DIR]:DIR:_files -/"
  "--dry-run[say what would be done, and whether the plan still holds\; change nothing]"
  "--yes[do not ask]"
  "--tarballs[install the CLI from npm\'s tarballs in DIR (npm pack makes them), not from a registry\; their sha256 is kept in the plan]:DIR:_files -/"
  "--registry[install the CLI from this npm registry or mirror]:URL:"
  "*--vsix[install the extension from this VSIX, not from a gallery\; repeatable]:FILE:_files"
  "*--policy[judge by this policy, a file or a packaged name\; repeatable, each adds to those before (default\: \$CC_FLEET_POLICY, \/etc\/cc-fleet\/policy.yaml, the packaged default)]:FILE:_files"
  "*--group[the machine is in this group, besides those that the policy tells\; repeatable]:NAME:"
  "--format[format]:format:(text json)"
  "--color[color]:color:(auto always never)"
  "--fail-on[the least severity that gives exit code 1 when all is done (default\: error)]:fail_on:(error warning note)"
  {-v,--verbose}"[show the whole report afterwards]"
  ":a plan of this machine, or -\; without it one is made now:"
)

# guard to ensure default positional specs are added only once per session
_shtab_cc_fleet_apply_defaults_added=0

_shtab_cc_fleet_audit_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "*--root[judge the system that lies below DIR\; repeatable]:DIR:_files -/"
  "*--image[judge an image in a file\: of \`docker save\`, an OCI layout (tar or folder), packed or not, or - \; or a folder of such\; repeatable]:PATH:_files"
  "--platform[with --image\: which of several platforms (default\: linux\/amd64, all where that is missing)]:OS/ARCH:"
  "--verify[with --image\: also check the digests of layers (those of indexes, manifests and configs are checked always)]"
  "--no-cache[with --image\: neither use nor keep what was found of packed layers]"
  "*--repo[judge what the repository DIR declares\: images, workflows, manifests, scripts, settings\; repeatable]:DIR:_files -/"
  "*--facts[judge saved facts\: a file, a folder of \*.json, or - \; repeatable]:PATH:_files"
  "--probe[also run \`claude --version\` and \`claude doctor\` of the caller\'s PATH, and compare (this machine only\; before 2.1.251 the doctor sends a request)]"
  "*--policy[judge by this policy, a file or a packaged name\; repeatable, each adds to those before (default\: \$CC_FLEET_POLICY, \/etc\/cc-fleet\/policy.yaml, the packaged default)]:FILE:_files"
  "--policy-ref[with --repo\: read .cc-fleet.yaml from this git revision, so that a change cannot relax its own policy]:REV:"
  "--no-ignore[judge as if no comment in a repository (cc-fleet\: ignore\[CHECK\] reason) excused anything]"
  "--changed-since[with --repo\: tell only what stands in files that changed since this git revision]:REV:"
  "--baseline[what this file knows does not fail\; only new findings do]:FILE:_files"
  "--write-baseline[rewrite the baseline\: without what is fixed (prune), or as what is found now (all)]:write_baseline:(prune all)"
  "*--group[the targets are in this group, besides those that facts and policy tell\; repeatable]:NAME:"
  "--format[one of csv, github, gitlab, html, json, junit, markdown, sarif, text (default\: text\; in GitHub Actions annotations, the text, and a job summary)]:NAME:(csv github gitlab html json junit markdown sarif text)"
  "*--output[write this format to a file as well\; repeatable]:NAME=FILE:"
  "--fail-on[the least severity that gives exit code 1 (default\: error)]:fail_on:(error warning note)"
  "--exit-zero[exit with 0 whatever is found]"
  "--if-nothing[exit with 3 or 0 where there is nothing of Claude Code (default\: fail\; with --changed-since pass)]:if_nothing:(fail pass)"
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
  ":such as env-flag or CCF-2026-0001:(action-unpinned auto-update cli-broken cli-integrity cli-shadowed cli-unpinned cli-unpublished cli-version env-flag env-ineffective env-spelling extension-leftover extension-skew extension-unpinned extension-version gateway-client gateway-url gateway-version identity-baked known-issue pin-unresolved pins-disagree secret-exposed setting-value settings-ignored settings-invalid target-mismatch unreadable version-gate waiver-expired waiver-unused CCF-2026-0001 CCF-2026-0002 CCF-2026-0003 CCF-2026-0004 CCF-2026-0005 CCF-2026-0006 CCF-2026-0007 CCF-2026-0008 CCF-2026-0009 CCF-2026-0010 CCF-2026-0011 CCF-2026-0012 CCF-2026-0013 CCF-2026-0014 CCF-2026-0015 CCF-2026-0016 CCF-2026-0017 CCF-2026-0018 CCF-2026-0019 CCF-2026-0020 CCF-2026-0021 CCF-2026-0022 CCF-2026-0023 CCF-2026-0024 CCF-2026-0025 CCF-2026-0026 CCF-2026-0027 CCF-2026-0028 CCF-2026-0029 CCF-2026-0030 CCF-2026-0031 CCF-2026-0032 CCF-2026-0033 CCF-2026-0034 CCF-2026-0035 CCF-2026-0036 CCF-2026-0037 CCF-2026-0038 CCF-2026-0039 CCF-2026-0040 CCF-2026-0041 CCF-2026-0042 CCF-2026-0043 CCF-2026-0044 CCF-2026-0045 CCF-2026-0046 CCF-2026-0047 CCF-2026-0048 CCF-2026-0049 CCF-2026-0050 CCF-2026-0051 CCF-2026-0052 CCF-2026-0053 CCF-2026-0054 CCF-2026-0055 CCF-2026-0056 CCF-2026-0057 CCF-2026-0058 CCF-2026-0059 CCF-2026-0060 CCF-2026-0061 CCF-2026-0062 CCF-2026-0063 CCF-2026-0064 CCF-2026-0065 CCF-2026-0066 CCF-2026-0067 CCF-2026-0068 CCF-2026-0069 CCF-2026-0070 CCF-2026-0071 CCF-2026-0072 CCF-2026-0073 CCF-2026-0074 CCF-2026-0075 CCF-2026-0076 CCF-2026-0077 CCF-2026-0078 CCF-2026-0079 CCF-2026-0080 CCF-2026-0081 CCF-2026-0082 CCF-2026-0083 CCF-2026-0084 CCF-2026-0085 CCF-2026-0086 CCF-2026-0087 CCF-2026-0088 CCF-2026-0089 CCF-2026-0090 CCF-2026-0091 CCF-2026-0092 CCF-2026-0093 CCF-2026-0094 CCF-2026-0095 CCF-2026-0096 CCF-2026-0097 CCF-2026-0098 CCF-2026-0099 CCF-2026-0100 CCF-2026-0101 CCF-2026-0102 CCF-2026-0103 CCF-2026-0104 CCF-2026-0105 CCF-2026-0106 CCF-2026-0107 CCF-2026-0108 CCF-2026-0109 CCF-2026-0110 CCF-2026-0111 CCF-2026-0112 CCF-2026-0113 CCF-2026-0114 CCF-2026-0115 CCF-2026-0116 CCF-2026-0117 CCF-2026-0118 CCF-2026-0119 CCF-2026-0120 CCF-2026-0121 CCF-2026-0122 CCF-2026-0123 CCF-2026-0124 CCF-2026-0125 CCF-2026-0126 CCF-2026-0127 CCF-2026-0128 CCF-2026-0129 CCF-2026-0130 CCF-2026-0131 CCF-2026-0132 CCF-2026-0133 CCF-2026-0134 CCF-2026-0135 CCF-2026-0136 CCF-2026-0137 CCF-2026-0138 CCF-2026-0139 CCF-2026-0140 CCF-2026-0141 CCF-2026-0142 CCF-2026-0143 CCF-2026-0144 CCF-2026-0145 CCF-2026-0146 CCF-2026-0147 CCF-2026-0148 CCF-2026-0149 CCF-2026-0150 CCF-2026-0151 CCF-2026-0152 CCF-2026-0153 CCF-2026-0154 CCF-2026-0155 CCF-2026-0156 CCF-2026-0157 CCF-2026-0158 CCF-2026-0159 CCF-2026-0160 CCF-2026-0161 CCF-2026-0162 CCF-2026-0163 CCF-2026-0164 CCF-2026-0165 CCF-2026-0166 CCF-2026-0167 CCF-2026-0168 CCF-2026-0169 CCF-2026-0170 CCF-2026-0171 CCF-2026-0172 CCF-2026-0173 CCF-2026-0174 CCF-2026-0175 CCF-2026-0176 CCF-2026-0177 CCF-2026-0178 CCF-2026-0179 CCF-2026-0180 CCF-2026-0181 CCF-2026-0182 CCF-2026-0183 CCF-2026-0184 CCF-2026-0185 CCF-2026-0186 CCF-2026-0187)"
)

# guard to ensure default positional specs are added only once per session
_shtab_cc_fleet_explain_defaults_added=0

_shtab_cc_fleet_facts_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--root[read the system that lies below DIR]:DIR:_files -/"
  "--image[read an image in a file\: of \`docker save\`, an OCI layout (tar or folder), packed or not, or -]:PATH:_files"
  "--platform[with --image\: which of several platforms (default\: linux\/amd64, all where that is missing)]:OS/ARCH:"
  "--verify[with --image\: also check the digests of layers (those of indexes, manifests and configs are checked always)]"
  "--no-cache[with --image\: neither use nor keep what was found of packed layers]"
  "--probe[also run \`claude --version\` and \`claude doctor\` of the caller\'s PATH, and compare (this machine only\; before 2.1.251 the doctor sends a request)]"
  "*--policy[judge by this policy, a file or a packaged name\; repeatable, each adds to those before (default\: \$CC_FLEET_POLICY, \/etc\/cc-fleet\/policy.yaml, the packaged default)]:FILE:_files"
)

# guard to ensure default positional specs are added only once per session
_shtab_cc_fleet_facts_defaults_added=0

_shtab_cc_fleet_plan_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--root[the system that lies below DIR]:DIR:_files -/"
  "--facts[the machine whose saved facts these are, or -]:FILE:_files"
  "--repo[the repository that should be put right\; the patch applies in DIR]:DIR:_files -/"
  "--image[the image that should be put right, in a file\: of \`docker save\`, an OCI layout (tar or folder), packed or not, or -]:PATH:_files"
  "--platform[with --image\: which of several platforms (default\: linux\/amd64, all where that is missing)]:OS/ARCH:"
  "--verify[with --image\: also check the digests of layers (those of indexes, manifests and configs are checked always)]"
  "--no-cache[with --image\: neither use nor keep what was found of packed layers]"
  "--out[write to FILE instead of standard output\; empty where nothing would change]:FILE:_files"
  "--detailed-exitcode[exit with 1 where something would change]"
  "--tarballs[install the CLI from npm\'s tarballs in DIR (npm pack makes them), not from a registry\; their sha256 is kept in the plan]:DIR:_files -/"
  "--registry[install the CLI from this npm registry or mirror]:URL:"
  "*--vsix[install the extension from this VSIX, not from a gallery\; repeatable]:FILE:_files"
  "--format[of a machine\'s plan (default\: text)]:format:(text json)"
  "--color[color]:color:(auto always never)"
  "*--policy[judge by this policy, a file or a packaged name\; repeatable, each adds to those before (default\: \$CC_FLEET_POLICY, \/etc\/cc-fleet\/policy.yaml, the packaged default)]:FILE:_files"
  "--policy-ref[read .cc-fleet.yaml from this git revision]:REV:"
  "--no-ignore[also change what a comment (cc-fleet\: ignore\[CHECK\] reason) excuses]"
  "*--group[the machine, repository or image is in this group, besides those that the policy tells\; repeatable]:NAME:"
)

# guard to ensure default positional specs are added only once per session
_shtab_cc_fleet_plan_defaults_added=0

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
  "--format[format]:format:(text json)"
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
  ":the check, or the advisory (CCF-\…), whose findings are excused:(action-unpinned auto-update cli-broken cli-integrity cli-shadowed cli-unpinned cli-unpublished cli-version env-flag env-ineffective env-spelling extension-leftover extension-skew extension-unpinned extension-version gateway-client gateway-url gateway-version identity-baked known-issue pin-unresolved pins-disagree secret-exposed setting-value settings-ignored settings-invalid target-mismatch unreadable version-gate waiver-expired waiver-unused)"
  ":the policy file (default\: the policy that judges here):_files"
)

# guard to ensure default positional specs are added only once per session
_shtab_cc_fleet_policy_waive_defaults_added=0

_shtab_cc_fleet_rollback_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--all[take back every run, the newest first]"
  "--list[only list the runs that can be taken back]"
  "--root[of the system that lies below DIR]:DIR:_files -/"
  "--force[also what was changed since]"
  "*--policy[judge by this policy, a file or a packaged name\; repeatable, each adds to those before (default\: \$CC_FLEET_POLICY, \/etc\/cc-fleet\/policy.yaml, the packaged default)]:FILE:_files"
  "--format[format]:format:(text json)"
  "--color[color]:color:(auto always never)"
  ":the run to take back (default\: the last that is not taken back):"
)

# guard to ensure default positional specs are added only once per session
_shtab_cc_fleet_rollback_defaults_added=0

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
        apply) _arguments -C -s $_shtab_cc_fleet_apply_options ;;
        audit) _arguments -C -s $_shtab_cc_fleet_audit_options ;;
        completion) _arguments -C -s $_shtab_cc_fleet_completion_options ;;
        demo) _arguments -C -s $_shtab_cc_fleet_demo_options ;;
        explain) _arguments -C -s $_shtab_cc_fleet_explain_options ;;
        facts) _arguments -C -s $_shtab_cc_fleet_facts_options ;;
        plan) _arguments -C -s $_shtab_cc_fleet_plan_options ;;
        policy) _shtab_cc_fleet_policy ;;
        rollback) _arguments -C -s $_shtab_cc_fleet_rollback_options ;;
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
