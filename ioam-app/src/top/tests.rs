// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Pages drawn from figures that are written out.
