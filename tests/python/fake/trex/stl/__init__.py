# SPDX-License-Identifier: Apache-2.0 OR MIT
"""As much of TRex as a dry run needs."""
