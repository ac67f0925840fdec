"""The names that mean something else in a file with PyTorch modules."""

from __future__ import annotations

from collections.abc import Iterable

from archcalc.writers.code.names import BUILTINS, ReservedNames

_ATTRIBUTES = """
T_destination add_module append apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches
eval extend extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half insert ipu
load_state_dict modules mtia named_buffers named_children named_modules named_parameters parameters pop
register_backward_hook register_buffer register_forward_hook register_forward_pre_hook register_full_backward_hook
register_full_backward_pre_hook register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module
register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state
set_submodule share_memory state_dict to to_empty train training type xpu zero_grad

_apply _backward_hooks _backward_pre_hooks _buffers _call_impl _compiled_call_impl _forward_hooks
_forward_hooks_always_called _forward_hooks_with_kwargs _forward_pre_hooks _forward_pre_hooks_with_kwargs
_get_backward_hooks _get_backward_pre_hooks _get_item_by_idx _get_name _is_full_backward_hook _load_from_state_dict
_load_state_dict_post_hooks _load_state_dict_pre_hooks _maybe_warn_non_full_backward_hook _modules _named_members
_non_persistent_buffers_set _parameters _register_load_state_dict_pre_hook _register_state_dict_hook
_replicate_for_data_parallel _save_to_state_dict _slow_forward _state_dict_hooks _state_dict_pre_hooks _version
_wrapped_call_impl
"""
ATTRIBUTES = frozenset(_ATTRIBUTES.split())
"""The attributes of ``nn.Sequential``, but for those that begin with two underscores."""
USED = frozenset({"math", "OrderedDict", "Sequence", "torch", "F", "Tensor", "nn", "self", "i", "_"})
"""What files import, and the names that methods use."""


def reserved(helpers: Iterable[str]) -> ReservedNames:
    """Return the names that mean something else in a file with these classes and functions."""
    return ReservedNames(ATTRIBUTES, BUILTINS | USED | {*helpers})
