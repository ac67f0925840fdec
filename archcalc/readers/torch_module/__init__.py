"""PyTorch modules in the user's code: imported, and exported on the meta device, in a process of their own.

`export` is what that process runs; `request` starts it and reads the result as a file of `torch.export`. Only this
package runs code that belongs to a SPEC.
"""
